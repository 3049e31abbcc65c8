// Loaded into a server before it starts: at SIGUSR2 it collects its garbage and writes what is left.
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

// Optimised code, and what is noted of it, comes and goes for thousands of requests: more than a leak would show.
setFlagsFromString('--no-opt');

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  let numReports = 0;
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 3; i++) collect();
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`heap ${numReports++}: ${heapUsed + external} bytes\n`);
  });
}
