import type { z } from 'zod';

const prefix = /^(?:Invalid input|Invalid option|Too big|Too small): /;
const received = /, received .*$/;

/** What was expected where zod found a mistake; the path and the value given are the caller's to name. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const keyIssue = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  if (keyIssue !== undefined) return describeIssue(keyIssue);
  return issue.code === 'custom' ? issue.message : issue.message.replace(prefix, '').replace(received, '');
}
