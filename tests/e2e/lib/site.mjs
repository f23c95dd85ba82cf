// A web site on another origin than the server's, with a client from npm in its page.

import http from 'node:http';
import path from 'node:path';
import { modules, requireModule, source } from './env.mjs';

/**
 * @param {string} entry a file of clients/; what it imports from npm is bundled with it, as sites do
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serveSite(entry) {
  const { outputFiles: [script] } = await requireModule('esbuild').build({
    entryPoints: [path.join(source, 'tests/e2e/clients', entry)],
    bundle: true,
    format: 'esm',
    nodePaths: [path.join(modules, 'node_modules')],
    write: false,
    logLevel: 'silent',
  });
  const server = http.createServer((request, response) => {
    if (request.url === '/client.js') {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(script.text);
    } else if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>A site</title><link rel="icon" href="data:,">' +
        '<script type="module" src="/client.js"></script>');
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
