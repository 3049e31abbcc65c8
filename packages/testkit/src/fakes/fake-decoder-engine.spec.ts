import { describeDecoderEngine } from '../contracts/describe-decoder-engine.js';
import { FakeDecoderEngine, fakeDescription } from './fake-decoder-engine.js';

const kvLayout = { ...fakeDescription.kvLayout, numPages: 24 };
describeDecoderEngine('the fake', async () => new FakeDecoderEngine({ maxStepTokens: 16, kvLayout }));
