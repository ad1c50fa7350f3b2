// What a server says when it refuses, and whether it repeats what it was told.

import { connect } from 'node:net';

import type { Place } from './canary.ts';

/** Larger than any body the relay takes. */
const TOO_LARGE = 3 << 20;

/** Tells the server on this port a secret in every way that it must refuse, and returns its answers with their heads. */
export async function refusals(port: number, secret: string): Promise<Place[]> {
  const inAddress = encodeURIComponent(secret);
  const inBase64 = Buffer.from(secret).toString('base64');
  const [json, type] = [JSON.stringify(secret), 'content-type: application/json'];
  const requests: Record<string, [first: string, heads?: string[], body?: string]> = {
    'a path of the API': [`GET /api/v1/${inAddress} HTTP/1.1`],
    'a path of another version': [`POST /api/v9/${inAddress} HTTP/1.1`],
    'a query': [`GET /api/v1/info?q=${inAddress} HTTP/1.1`],
    'a file that is not there': [`GET /${inAddress}.js HTTP/1.1`],
    'a way out of the folder': [`GET /../${inAddress}/../../etc/passwd.txt HTTP/1.1`],
    'another method': [`DELETE /api/v1/info?${inAddress} HTTP/1.1`],
    'a method that is none': [`${secret.replaceAll(' ', '')} / HTTP/1.1`],
    'a head that is none': ['GET /api/v1/info HTTP/1.1', [secret]],
    'another origin': ['OPTIONS /api/v1/info HTTP/1.1', [`origin: https://${inAddress}.example`, 'access-control-request-method: POST']],
    'a token': ['POST /api/v1/vault/get HTTP/1.1', [type, `authorization: Bearer ${inBase64}`], '{}'],
    'a token that is no token': ['POST /api/v1/session/list HTTP/1.1', [type, `authorization: ${secret}`], '{}'],
    'text instead of JSON': ['POST /api/v1/info HTTP/1.1', [type], secret],
    'JSON of another shape': ['POST /api/v1/info HTTP/1.1', [type], json],
    'a field that is none': ['POST /api/v1/users/find HTTP/1.1', [type], `{"handle":"nobody",${json}:1}`],
    'a handle that is none': ['POST /api/v1/sign-in/start HTTP/1.1', [type], `{"handle":${json}}`],
    'a registration that is none': ['POST /api/v1/register HTTP/1.1', [type], `{"registration":"${inBase64}","ak_sig":"${inBase64}","ik_sig":"${inBase64}"}`],
    'a proof that is none': ['POST /api/v1/sign-in/prove HTTP/1.1', [type], `{"handle":"nobody","challenge":"${inBase64}","session_nonce":"${inBase64}","sig":"${inBase64}"}`],
    'a body that is too large': ['POST /api/v1/register HTTP/1.1', [type], json.repeat(Math.ceil(TOO_LARGE / json.length))],
    'a socket that is none': ['GET /api/v1/live HTTP/1.1', ['upgrade: websocket', 'connection: upgrade', `sec-websocket-key: ${inBase64}`, `sec-websocket-version: ${inBase64}`]],
  };
  const answers: Place[] = [];
  for (const [what, [first, heads = [], body = '']] of Object.entries(requests)) {
    const head = [first, 'host: localhost', 'connection: close', `content-length: ${Buffer.byteLength(body)}`, ...heads];
    answers.push({ what: `refusal of ${what}`, bytes: await answer(port, `${head.join('\r\n')}\r\n\r\n${body}`) });
  }
  return answers;
}

/** Everything that comes back until the other side closes. */
async function answer(port: number, request: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  await new Promise<void>((closed) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (part: Buffer) => parts.push(part));
    // It may close while it is still being told something.
    socket.on('error', () => undefined);
    socket.on('close', () => closed());
    socket.write(request);
  });
  return Buffer.concat(parts);
}
