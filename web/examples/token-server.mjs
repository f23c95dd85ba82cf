// A site of its own: serves these example pages on another origin than the voice server's, and
// has the one thing a site's backend needs, an endpoint that asks the voice server for a token.
//
//   [REPARTEE_KEY=SECRET] node token-server.mjs [SERVER] [PORT]
//
// SERVER: the voice server as browsers see it, default http://localhost:8080. That one is started
// with --cors-origin and the address this prints. REPARTEE_KEY is the key of its --token-file; a
// server on this machine alone may have none.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const voice = (process.argv[2] ?? 'http://localhost:8080').replace(/\/$/, '');
const port = Number(process.argv[3] ?? 8090);
const key = process.env.REPARTEE_KEY;
const site = `http://localhost:${port}`;

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
// What a careful site sends: the snippet needs its server in script-src and connect-src alone.
const { origin } = new URL(voice);
const POLICY = `default-src 'none'; script-src 'self' ${origin}; connect-src 'self' ${origin}; ` +
  "style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** A token for one agent and this site alone. Here a site looks who asks: the user must be known. */
async function giveToken(response) {
  if (!key) {
    json(response, 200, { token: '' }); // the snippet then calls without
    return;
  }
  const answer = await fetch(`${voice}/api/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({
      agent: 'reception',
      origin: site, // not what the request calls it: a stranger's would say otherwise
      expires_in_s: 60,
    }),
  });
  const body = await answer.json();
  if (answer.ok)
    json(response, 200, { token: body.token });
  else
    json(response, 502, { error: body.detail });
}

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** The page as it lies here loads the snippet from beside it; on this origin from the server. */
function giveFile(name, response) {
  const type = TYPES[path.extname(name)];
  const file = path.join(here, name);
  if (!type || !fs.existsSync(file)) {
    json(response, 404, { error: 'there is no such page' });
    return;
  }
  const text = fs.readFileSync(file, 'utf8').replaceAll('../repartee.js', `${voice}/repartee.js`);
  response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY });
  response.end(text);
}

const server = http.createServer((request, response) => {
  const name = path.basename(request.url.split('?')[0]) || 'index.html';
  if (name === 'token') {
    giveToken(response).catch((error) =>
      json(response, 502, { error: `the voice server ${voice} does not answer: ${error.message}` }));
  } else {
    giveFile(name, response);
  }
});

server.listen(port, '127.0.0.1', () => {
  console.log(`Example pages: ${site}/ (the voice server needs --cors-origin ${site})`);
});
