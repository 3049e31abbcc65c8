import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ServingError } from '@tessera/domain';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { GatewayContext } from '../gateway-context.js';
import { validate } from '../http/validate.js';
import type { AnswerDelta } from './answer-assembler.js';
import { type AnswerHeading, toCompletion } from './chat-response.js';
import { type ChatBody, createChatSchema } from './chat-schema.js';
import { streamCompletion } from './completion-stream.js';
import { createChatJob } from './create-chat-job.js';
import { type AnswerEnd, type ChatJob, generateAnswer } from './generate-answer.js';

type Answer = AsyncGenerator<AnswerDelta, AnswerEnd>;

/** `POST /v1/chat/completions`, whole or streamed. */
export function registerChatRoute(app: FastifyInstance, context: GatewayContext): void {
  const schema = createChatSchema(context.config);
  const deps = { ...context, tokenizer: context.processor.tokenizer };

  app.post('/v1/chat/completions', async (request, reply) => {
    const body = validate(schema, request.body);
    const id = `chatcmpl-${randomUUID().replaceAll('-', '')}`;
    const { signal, onEnd } = context.active.begin(reply.raw);
    const receivedAtMs = performance.now() - reply.elapsedTime;
    const { job, release } = await createChatJob(id, body, receivedAtMs, context, signal);
    onEnd(release);
    request.log.info(
      { chatId: id, numPromptTokens: job.request.tokenIds.length, numImages: job.media.length },
      'admitted',
    );
    const answer = generateAnswer(job, deps, signal);
    const heading = headingOf(job, context);
    return body.stream === true ? sendStream(reply, heading, answer, body) : collect(heading, answer, body);
  });
}

function headingOf(job: ChatJob, { model }: GatewayContext): AnswerHeading {
  const created = Math.floor(Date.now() / 1000);
  const { requestId, modelRevision } = job.request;
  return { id: requestId, created, model: model.id, system_fingerprint: `fp_${modelRevision.slice(0, 12)}` };
}

async function collect(heading: AnswerHeading, answer: Answer, body: ChatBody) {
  const deltas: AnswerDelta[] = [];
  let step = await answer.next();
  for (; !step.done; step = await answer.next()) deltas.push(step.value);
  return toCompletion(heading, deltas, step.value, body.logprobs === true);
}

/** Sends headers once the answer has begun; the stream is read only as fast as the client takes it. */
async function sendStream(
  reply: FastifyReply,
  heading: AnswerHeading,
  answer: Answer,
  body: ChatBody,
): Promise<FastifyReply> {
  const events = await streamCompletion(heading, answer, {
    includesUsage: body.stream_options?.include_usage === true,
    hasLogprobs: body.logprobs === true,
    onError: (error) => {
      reply.errorReason = error.reason;
      logBrokenAnswer(reply, error);
    },
  });
  reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    .header('x-accel-buffering', 'no');
  return reply.send(Readable.from(events));
}

/** Clients that leave and a server that stops are part of the day: a line, no stack. */
function logBrokenAnswer({ log }: FastifyReply, error: ServingError): void {
  if (error.reason === 'cancelled' || error.reason === 'shutting_down') {
    log.info(`answer broken off: ${error.message}`);
  } else {
    log.warn({ err: error }, 'answer failed amid its stream');
  }
}
