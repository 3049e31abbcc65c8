// Preloaded: SIGUSR2 ends all threads of the process, as a crash of native code in them does.
const threads = [];
process.on('worker', (thread) => threads.push(thread));
process.on('SIGUSR2', () => {
  for (const thread of threads) thread.terminate();
});
