// Colours for the code in messages, behind Prism's rules (client/assemble.mjs). In a worker of its own: some text makes a rule
// go on for minutes, and then the page ends this worker (client/src/ui/code.rs). Only numbers leave it, never markup.

// As in `KINDS` of code.rs, from 1; 0 is text without a colour.
const KINDS = {};
[
  ["comment", "prolog", "doctype", "cdata", "shebang", "coord"],
  ["string", "char", "attr-value", "regex", "template-string", "url", "triple-quoted-string"],
  ["number", "boolean", "constant", "symbol", "unit", "hexcode", "date", "lifetime-annotation"],
  ["keyword", "atrule", "important", "directive", "selector", "module"],
  ["function", "function-definition", "macro", "decorator", "annotation", "attribute"],
  ["class-name", "builtin", "type-definition", "namespace", "tag", "title"],
  ["property", "attr-name", "variable", "key", "table"],
  ["inserted-sign", "inserted"],
  ["deleted-sign", "deleted"],
].forEach((names, at) => names.forEach((name) => (KINDS[name] = at + 1)));
// Code in the middle of a text.
const PLAIN = new Set(["interpolation", "interpolation-punctuation", "embedded-code", "operator"]);

const ALSO = { rs: "rust", golang: "go", "c++": "cpp", "c#": "csharp", zsh: "bash", console: "bash", ps1: "powershell", patch: "diff" };

const grammarOf = (lang) => {
  const name = ALSO[lang.toLowerCase()] ?? lang.toLowerCase();
  const grammar = Object.hasOwn(Prism.languages, name) ? Prism.languages[name] : null;
  return typeof grammar === "object" ? grammar : null;
};

// Lengths and kinds in turn, of parts that together are the whole text.
const colours = (grammar, text) => {
  const parts = [];
  const push = (length, kind) => {
    if (length === 0) return;
    if (parts.length > 0 && parts[parts.length - 1] === kind) parts[parts.length - 2] += length;
    else parts.push(length, kind);
  };
  const walk = (tokens, kind) => {
    for (const token of Array.isArray(tokens) ? tokens : [tokens]) {
      if (typeof token === "string") {
        push(token.length, kind);
      } else {
        const names = [token.type, token.alias].flat();
        const named = names.map((name) => KINDS[name]).find(Boolean);
        walk(token.content, names.some((name) => PLAIN.has(name)) ? 0 : (named ?? kind));
      }
    }
  };
  walk(Prism.tokenize(text, grammar), 0);
  return parts;
};

// One at a time: the page asks for the next once it has heard of the one before.
onmessage = ({ data: [lang, text] }) => {
  let parts = null;
  try {
    const grammar = grammarOf(lang);
    if (grammar) parts = Uint32Array.from(colours(grammar, text));
  } catch {
    // A text that is too much for a rule stays in one colour.
  }
  postMessage(parts);
};
