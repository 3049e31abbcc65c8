/** The template of the published checkpoints (spec §7.1), for a folder that has none. */
export const defaultChatTemplate = `
{%- set count = namespace(images=0, videos=0) %}
{%- for message in messages %}
  {%- if loop.first and message.role != 'system' %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
  {%- endif %}
  {{- '<|im_start|>' + message.role + '\\n' }}
  {%- if message.content is string %}
    {{- message.content }}
  {%- else %}
    {%- for item in message.content %}
      {%- if item.type == 'image' or 'image' in item or 'image_url' in item %}
        {%- set count.images = count.images + 1 %}
        {%- if add_vision_id %}{{- 'Picture ' + count.images | string + ': ' }}{%- endif %}
        {{- '<|vision_start|><|image_pad|><|vision_end|>' }}
      {%- elif item.type == 'video' or 'video' in item %}
        {%- set count.videos = count.videos + 1 %}
        {%- if add_vision_id %}{{- 'Video ' + count.videos | string + ': ' }}{%- endif %}
        {{- '<|vision_start|><|video_pad|><|vision_end|>' }}
      {%- elif 'text' in item %}
        {{- item.text }}
      {%- endif %}
    {%- endfor %}
  {%- endif %}
  {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;
