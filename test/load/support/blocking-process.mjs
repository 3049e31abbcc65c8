// After SIGUSR2, computes for 80 ms in one timer, sleeps for 80 ms in the next, and ends once its loop has come round.
const blockMs = 80;
const lastMs = 50;

process.once('SIGUSR2', () => {
  clearInterval(waiting);
  setTimeout(compute, 0);
});
const waiting = setInterval(() => {}, 60_000);
console.log('ready');

function compute() {
  const beforeMicroseconds = process.cpuUsage().user;
  while (process.cpuUsage().user - beforeMicroseconds < 1000 * blockMs);
  setTimeout(sleep, 0);
}

function sleep() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
  setTimeout(() => {}, lastMs);
}
