// Texts that have run as scripts, loaded things or turned the text around them somewhere (OWASP's cheat sheets, Markdown's
// own ways, Unicode's). Each calls `hit()` or asks `elsewhere.invalid` if it is ever taken for more than text.

const AWAY = '//elsewhere.invalid/';

/** Taken for markup, script, style or template. */
export const MARKUP: readonly string[] = [
  '<script>hit()</script>',
  `<script src=${AWAY}a.js></script>`,
  `"><script>hit()</script>`,
  '</textarea><script>hit()</script>',
  '</title><script>hit()</script>',
  '<img src=x onerror=hit()>',
  `<img src="${AWAY}a.png">`,
  '<IMG """><SCRIPT>hit()</SCRIPT>">',
  '<img src=`javascript:hit()`>',
  '<svg onload=hit()>',
  '<svg><script>hit()</script></svg>',
  '<svg><animate onbegin=hit() attributeName=x dur=1s>',
  '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><image href=1 onerror=hit() /></svg>#x">',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=hit()&gt;">',
  '<math href="javascript:hit()">press</math>',
  `<iframe src="javascript:hit()"></iframe>`,
  `<iframe srcdoc="<script>parent.hit()</script>"></iframe>`,
  `<object data="${AWAY}a"></object><embed src="${AWAY}b">`,
  `<link rel=stylesheet href="${AWAY}a.css">`,
  `<style>@import "${AWAY}b.css";</style>`,
  `<div style="background:url(${AWAY}c.png)">`,
  `<meta http-equiv=refresh content="0;url=${AWAY}">`,
  `<base href="${AWAY}">`,
  '<body onload=hit()>',
  '<input autofocus onfocus=hit()>',
  '<details open ontoggle=hit()>',
  '<video><source onerror=hit()></video>',
  '<a href="jav&#x09;ascript:hit()">press</a>',
  '<form action="javascript:hit()"><button>press</button></form>',
  '<template><img src=x onerror=hit()></template>',
  '<noscript><p title="</noscript><img src=x onerror=hit()>">',
  '&lt;img src=x onerror=hit()&gt;',
  '\\u003cimg src=x onerror=hit()\\u003e',
  "';hit();//",
  '${hit()} `${hit()}` {{hit()}} {{constructor.constructor("hit()")()}} #{hit()} <%= hit() %>',
  '[press](javascript:hit())',
  `![picture](${AWAY}d.png)`,
  '[a]: javascript:hit()\n[press][a]',
  '<javascript:hit()>',
  '**bold** _soft_ `code` # head\n> said\n- item',
];

/** Links that must not become any. */
export const LINKS: readonly string[] = [
  'javascript:hit()',
  'JaVaScRiPt:hit()',
  'java\tscript:hit()',
  'javascript://example.org/%0Ahit()',
  'vbscript:hit()',
  'data:text/html,<script>hit()</script>',
  'data:text/html;base64,PHNjcmlwdD5oaXQoKTwvc2NyaXB0Pg==',
  'blob:https://example.org/1',
  'file:///etc/passwd',
];

/** Letters that deceive: they turn, hide or imitate. */
export const LETTERS: readonly string[] = [
  '\u202egnirts desrever',
  'invoice\u202efdp.exe',
  '\u2066\u2067\u2068unclosed isolates',
  '\u202a\u202b\u202d nested \u202c',
  'zero\u200bwidth\u200c\u200djoiners\u2060\ufeff',
  'pаypаl.com with foreign letters',
  'مرحبا <b>bold</b>',
  'שלום "quoted" (brackets)',
  'Z\u0351\u0352\u0357\u035ba\u0346\u034a\u034b\u034cl\u0350\u0351g\u0302\u0304o',
  'w'.repeat(3000),
];

/** Of what says something in Markdown the signs are not shown; everything else stands as it was typed. */
const SHOWN: Record<string, string> = {
  '<img src=`javascript:hit()`>': '<img src=javascript:hit()>',
  '${hit()} `${hit()}` {{hit()}} {{constructor.constructor("hit()")()}} #{hit()} <%= hit() %>':
    '${hit()} ${hit()} {{hit()}} {{constructor.constructor("hit()")()}} #{hit()} <%= hit() %>',
  '**bold** _soft_ `code` # head\n> said\n- item': 'bold soft code # headsaiditem',
};

export const shown = (typed: string): string => SHOWN[typed] ?? typed;
