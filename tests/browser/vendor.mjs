// Copies the libraries of the pages from node_modules to web/vendor: npm ci && npm run vendor
// Their imports of each other become relative, so that the browser needs no import map. Source map comments are
// removed, since the maps are not served.
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '../../web/vendor');

const LIBRARIES = [
  { name: 'preact', file: 'dist/preact.mjs', as: 'preact.mjs' },
  { name: 'preact', file: 'hooks/dist/hooks.mjs', as: 'hooks.mjs' },
  { name: 'htm', file: 'dist/htm.mjs', as: 'htm.mjs' },
  { name: '@preact/signals', file: 'dist/signals.mjs', as: 'signals.mjs' },
  { name: '@preact/signals-core', file: 'dist/signals-core.mjs', as: 'signals-core.mjs' },
];

const SPECIFIERS = {
  preact: './preact.mjs',
  'preact/hooks': './hooks.mjs',
  '@preact/signals-core': './signals-core.mjs',
};

const lines = ['# package version file sha256'];
for (const { name, file, as } of LIBRARIES) {
  const directory = join(here, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const source = readFileSync(join(directory, file), 'utf8')
    .replace(/(from\s*|import\s*)"([^"]+)"/g, (whole, keyword, specifier) => {
      const relative = SPECIFIERS[specifier];
      if (!relative) throw new Error(`${name} imports ${specifier}`);
      return `${keyword}"${relative}"`;
    })
    .replace(/\n\/\/# sourceMappingURL=.*\n?/g, '\n');
  writeFileSync(join(target, as), source);
  lines.push(`${name} ${version} ${as} ${createHash('sha256').update(source).digest('hex')}`);
  copyFileSync(join(directory, 'LICENSE'), join(target, `${name.replace('@', '').replace('/', '-')}.LICENSE.txt`));
}
writeFileSync(join(target, 'VERSIONS'), `${lines.join('\n')}\n`);
