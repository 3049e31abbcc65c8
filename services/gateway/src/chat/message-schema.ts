import { z } from 'zod';

/** Smallest picture that the model sees: one token of 28 × 28 pixels. */
const minVisualPixels = 784;

/** A value that is known and refused, until a later version serves it; null and `harmless` values pass. */
export function unsupported(message: string, isHarmless: (value: unknown) => boolean = () => false) {
  return z
    .unknown()
    .refine((value) => value == null || isHarmless(value), {
      error: message,
      params: { reason: 'unsupported_feature' },
    })
    .optional();
}

const detail = z.enum(['low', 'high', 'auto']).nullish();

const scaling = (maxVisualPixels: number) => ({
  min_pixels: z.int().min(minVisualPixels).max(maxVisualPixels).nullish(),
  max_pixels: z.int().min(minVisualPixels).max(maxVisualPixels).nullish(),
  resized_height: z.int().min(1).max(32_768).nullish(),
  resized_width: z.int().min(1).max(32_768).nullish(),
});

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });

/** Parts that other servers or later versions take. */
const unsupportedPart = z
  .looseObject({ type: z.enum(['video', 'video_url', 'input_video', 'input_audio', 'audio_url', 'refusal']) })
  .refine(() => false, {
    error: 'this kind of part is not supported',
    path: ['type'],
    params: { reason: 'unsupported_feature' },
  })
  .transform((): never => z.NEVER);

const imageUrl = z
  .strictObject({
    url: z.string().min(1).nullish().describe('A base64 data: URI, or the id of an uploaded file.'),
    file_id: z.string().min(1).nullish().describe('Id of an uploaded file, instead of url.'),
    detail,
  })
  .refine(({ url, file_id }) => (url == null) !== (file_id == null), { error: 'needs either url or file_id' });

/** What to say of a kind that no schema of a union takes; other mistakes keep their own words. */
function ofUnknownKind(message: string) {
  return { error: ({ code }: { readonly code?: string }) => (code === 'invalid_union' ? message : undefined) };
}

const userPartKinds = ofUnknownKind("expected 'text', 'image_url', 'input_image' or 'file'");
const textPartKinds = ofUnknownKind("expected 'text'; pictures belong to messages of the role 'user'");
const roles = ofUnknownKind("expected 'system', 'developer', 'user' or 'assistant'");

function userPart(maxVisualPixels: number) {
  const sized = scaling(maxVisualPixels);
  const bothSides = (part: { resized_height?: number | null | undefined; resized_width?: number | null | undefined }) =>
    (part.resized_height == null) === (part.resized_width == null);
  const needsBoth = { error: 'goes together with resized_width', path: ['resized_height'] };
  const parts = [
    textPart,
    z.strictObject({ type: z.literal('image_url'), image_url: imageUrl, ...sized }).refine(bothSides, needsBoth),
    z
      .strictObject({
        type: z.literal('input_image'),
        image_url: z.string().min(1).nullish(),
        file_id: z.string().min(1).nullish(),
        detail,
        ...sized,
      })
      .refine(({ image_url, file_id }) => (image_url == null) !== (file_id == null), {
        error: 'needs either image_url or file_id',
      })
      .refine(bothSides, needsBoth),
    z
      .strictObject({ type: z.literal('file'), file: z.strictObject({ file_id: z.string().min(1) }), ...sized })
      .refine(bothSides, needsBoth),
    unsupportedPart,
  ] as const;
  return z.discriminatedUnion('type', parts, userPartKinds);
}

const name = z.string().max(64).nullish().describe('Accepted and not used.');
const textContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPart, unsupportedPart], textPartKinds)),
]);

/** The `messages` of a conversation: pictures belong to the user's. */
export function createMessagesSchema(maxVisualPixels: number) {
  const userContent = z.union([z.string(), z.array(userPart(maxVisualPixels))]);
  const messages = [
    z.strictObject({ role: z.literal('system'), content: textContent, name }),
    z.strictObject({ role: z.literal('developer'), content: textContent, name }),
    z.strictObject({ role: z.literal('user'), content: userContent, name }),
    z.strictObject({
      role: z.literal('assistant'),
      content: textContent.nullish(),
      name,
      refusal: z.null().optional(),
      annotations: z.array(z.never()).max(0).nullish(),
      audio: unsupported('audio is not supported'),
      function_call: unsupported('function calls are not supported'),
      tool_calls: unsupported('tools are not supported', isEmptyArray),
    }),
    z
      .looseObject({ role: z.enum(['tool', 'function']) })
      .refine(() => false, {
        error: 'tools are not supported',
        path: ['role'],
        params: { reason: 'unsupported_feature' },
      })
      .transform((): never => z.NEVER),
  ] as const;
  return z.array(z.discriminatedUnion('role', messages, roles)).min(1);
}

export type ChatMessages = z.output<ReturnType<typeof createMessagesSchema>>;
export type ChatMessage = ChatMessages[number];

export function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
