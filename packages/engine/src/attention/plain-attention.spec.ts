import { describePagedAttention } from '@tessera/testkit';
import { PlainAttention } from './plain-attention.js';

for (const pageLen of [4, 16]) {
  describePagedAttention(
    `the plain kernel on pages of ${pageLen}`,
    async (shape, { numPages }) => new PlainAttention(shape, { pageLen, numPages }),
  );
}
