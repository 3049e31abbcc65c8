#!/usr/bin/env node
// The first thing a newcomer runs, before anything is installed: node: modules only, and nothing newer than the check.
import { explainOldNode } from './bootstrap/node-version.mjs';

const complaint = explainOldNode(process.versions.node);
if (complaint) {
  console.error(complaint);
  process.exit(1);
}
const { runBootstrap } = await import('./bootstrap/run-bootstrap.mjs');
await runBootstrap(process.argv.slice(2));
