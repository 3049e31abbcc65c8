import { type ErrorReason, ServingError } from '@tessera/domain';
import { describeIssue } from '@tessera/runtime';
import type { z } from 'zod';
import { emptyBody } from './empty-body.js';
import { formatFieldPath, valueAtPath } from './field-path.js';

type Issue = z.core.$ZodIssue;

/** What a schema's own check may say beside its message. */
export interface IssueParams {
  readonly reason: ErrorReason;
}

/**
 * Turns a body, query or configuration into what its schema describes. ServingError `unknown_field`, `invalid_field` or
 * the reason that the failing check names, with the path of the first offending field; `invalid_json` without a body.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.output<Schema> {
  if (raw === undefined) throw emptyBody();
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw toError(firstIssue(result.error.issues), raw);
}

function toError(issue: Issue, raw: unknown): ServingError {
  if (issue.code === 'unrecognized_keys') {
    const field = formatFieldPath([...issue.path, issue.keys[0] ?? '']);
    return new ServingError('unknown_field', `${field} is not a known field`, { field });
  }
  const field = formatFieldPath(issue.path);
  const reason =
    issue.code === 'custom' ? ((issue.params as IssueParams | undefined)?.reason ?? 'invalid_field') : 'invalid_field';
  const given = describeGiven(valueAtPath(raw, issue.path));
  const message = `${field || 'the body'}: ${describeIssue(issue)}, given ${given}`;
  return new ServingError(reason, message, field === '' ? {} : { field });
}

/** The issue to report: of a union, that of the branch which got furthest into the value, or at least takes its type. */
function firstIssue(issues: readonly Issue[]): Issue {
  const issue = issues[0]!;
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const branches = issue.errors.map((errors) => firstIssue(errors));
  const deepest = branches.reduce((best, branch) => (progressOf(branch) > progressOf(best) ? branch : best));
  if (deepest.path.length > 0 || deepest.code !== 'invalid_type')
    return { ...deepest, path: [...issue.path, ...deepest.path] };
  const wanted = branches.map((branch) => (branch.code === 'invalid_type' ? branch.expected : branch.message));
  return { ...deepest, path: issue.path, message: `expected ${wanted.join(' or ')}` };
}

function progressOf({ path, code }: Issue): number {
  return path.length + (code === 'invalid_type' ? 0 : 0.5);
}

function describeGiven(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
  return typeof value === 'string' && value.length > 60 ? `${text}…` : text;
}
