// Writes openapi.d.ts from the document of the server: TABLEORDER_PROGRAM, or the debug build.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.TABLEORDER_PROGRAM ?? join(here, '../../../target/debug/tableorder');
const document = JSON.parse(execFileSync(program, ['openapi'], { encoding: 'utf8', maxBuffer: 1 << 26 }));
writeFileSync(join(here, 'openapi.d.ts'), astToString(await openapiTypescript(document)));
