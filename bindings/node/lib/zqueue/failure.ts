/** Why a job was not done. */
import { ZpatternsError, codeOf } from '../errors';
import { JobFailed, JobLost } from '../failed';

/** Why it was not: a worker's own error, or one with words for people. */
export function failure(kind: number, workerCode: number, body: Buffer[]): ZpatternsError {
  const code = codeOf(kind);
  return code === 'JobFailed' ? new JobFailed(workerCode, body) : new JobLost(code, String(body[0] ?? ''));
}

/** A refusal of this kind: its text, and then the names and values of its facts. */
export function refusal(kind: number, frames: readonly Buffer[]): ZpatternsError {
  const [text = '', ...facts] = frames.map(String);
  const context: Record<string, string> = {};
  while (facts.length > 1) {
    const [name, value] = facts.splice(0, 2) as [string, string];
    context[name] = value;
  }
  return new ZpatternsError(codeOf(kind), text, context);
}
