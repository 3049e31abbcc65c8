import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { PackedMatrix } from '../checkpoint/packed-matrix.js';
import { formOf, weightFormsOf } from './weight-forms.js';
import { type WeightPlan, weightPlans } from './weight-plan.js';

interface PackedOptions {
  readonly bits?: number;
  readonly groupLen?: number | undefined;
  readonly isSymmetric?: boolean;
  readonly isInOrder?: boolean;
}

function packedMatrix({ isInOrder = true, ...quantization }: PackedOptions): PackedMatrix {
  const published = { method: 'awq', bits: 4, groupLen: 128, isSymmetric: false, zeroPointOffset: 0, ...quantization };
  return { quantization: published, isInOrder, numCols: 192 } as unknown as PackedMatrix;
}

function formsOf(plan: WeightPlan, packed: Readonly<Record<string, PackedOptions>> = {}) {
  const entries = Object.entries(packed).map(([name, options]) => [name, packedMatrix(options)] as const);
  return weightFormsOf({ packed: new Map(entries) } as unknown as Checkpoint, plan);
}

describe('weightFormsOf', () => {
  it('settles auto as fp32 where nothing is packed, so that both are one engine', () => {
    expect(formsOf(weightPlans.auto)).toEqual({ plan: weightPlans.fp32, packed: {} });
    expect(formsOf({ ...weightPlans.auto, head: 'int8' }).plan).toEqual({ ...weightPlans.fp32, head: 'int8' });
  });

  it('leaves the plan as it is where something is', () => {
    expect(formsOf(weightPlans.auto, { w: {} }).plan).toEqual(weightPlans.auto);
  });
});

describe('formOf', () => {
  const decoderForm = (plan: WeightPlan, packed: PackedOptions, tensors = ['w']) =>
    formOf(formsOf(plan, { w: packed }), 'decoder', tensors, 192);

  it('rounds to int4 in longer blocks where rows are long', () => {
    const forms = formsOf(weightPlans.int4);
    expect(formOf(forms, 'decoder', ['w'], 192)).toEqual({ kind: 'int4', blockLen: 32 });
    expect(formOf(forms, 'decoder', ['w'], 2048)).toEqual({ kind: 'int4', blockLen: 128 });
  });

  for (const choice of ['auto', 'int4'] as const) {
    it(`keeps four bits as published for ${choice}`, () => {
      const plan = weightPlans[choice];
      expect(decoderForm(plan, {})).toEqual({ kind: 'int4', blockLen: 128, published: 'zeroPoints' });
      expect(decoderForm(plan, { isSymmetric: true })).toMatchObject({ published: 'symmetric' });
    });
  }

  const blockLens = [
    [16, 16],
    [64, 64],
    [96, 32],
    [256, 128],
    [undefined, 64],
  ] as const;
  for (const [groupLen, blockLen] of blockLens) {
    it(`cuts groups of ${groupLen ?? 'a whole row'} into blocks of ${blockLen}`, () => {
      expect(decoderForm(weightPlans.auto, { groupLen })).toMatchObject({ blockLen });
    });
  }

  const unkeepable: Readonly<Record<string, PackedOptions>> = {
    'eight bits': { bits: 8 },
    'columns sorted by activation': { isInOrder: false },
    'groups without a block that divides them': { groupLen: 24 },
  };
  for (const [what, packed] of Object.entries(unkeepable)) {
    it(`has ${what} in int8 for auto, rounded for int4`, () => {
      expect(decoderForm(weightPlans.auto, packed)).toEqual({ kind: 'int8' });
      expect(decoderForm(weightPlans.int4, packed)).toEqual({ kind: 'int4', blockLen: 32 });
    });
  }

  it('keeps a stack only when all of it is packed alike', () => {
    expect(decoderForm(weightPlans.auto, {}, ['w', 'w'])).toMatchObject({ published: 'zeroPoints' });
    expect(decoderForm(weightPlans.auto, {}, ['w', 'floats'])).toEqual({ kind: 'int8' });
    const mixed = formsOf(weightPlans.auto, { w: {}, v: { isSymmetric: true } });
    expect(formOf(mixed, 'decoder', ['w', 'v'], 192)).toEqual({ kind: 'int8' });
  });

  it('has floats beside packed matrices in fp32 for auto', () => {
    expect(decoderForm(weightPlans.auto, {}, ['floats'])).toEqual({ kind: 'fp32' });
  });

  it('takes any other form that is asked for', () => {
    expect(decoderForm(weightPlans.fp32, {})).toEqual({ kind: 'fp32' });
    expect(decoderForm(weightPlans.int8, {})).toEqual({ kind: 'int8' });
  });
});
