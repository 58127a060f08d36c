"""Perceptrons, and a computer made of them (slides: Perceptron).

A perceptron weighs its inputs, adds a bias, and says 1 if the sum is above 0, else 0. The one with weights
-2, -2 and bias 3 is a NAND gate, and from NAND gates all logic can be built: here a half adder, then an
adder for numbers of several bits. You will see its truth table, the quiz of the lecture answered by
computing it, additions done by nothing but perceptrons, and the line along which a perceptron cuts the
plane.

Change: W and B into an AND gate, an OR gate. (The adder keeps its NANDs.) Then look for XOR, whose ones are
at two opposite corners of the picture: why can no line do it?
"""
from __future__ import annotations

import numpy as np
from common import draw, options, quiz

import tinygrad_edu as te
from tinygrad_edu import viz

NAND = np.array([-2.0, -2.0]), 3.0          # the lecture's weights and bias
W, B = NAND                                 # of the perceptron that is shown
INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"0,0,0,1": "AND", "0,1,1,1": "OR", "1,1,1,0": "NAND", "1,0,0,0": "NOR"}        # by their outputs


def perceptron(x, w, b):
    """output = 1 if w . x + b > 0, else 0; x (..., inputs), w (inputs,) -> (...)."""
    return te.step(te.tensor(x @ w + b)).numpy().astype(int)


def nand(p, q):
    """0 only where both bits are 1: the lecture's perceptron. Arrays of bits give an array of bits."""
    return perceptron(np.stack([p, q], axis=-1), *NAND)


def half_adder(p, q, gate=nand):
    """p + q of two bits as (sum, carry), of NAND gates."""
    n = gate(p, q)
    total = gate(gate(p, n), gate(q, n))        # p XOR q
    carry = gate(n, n)                          # p AND q
    return total, carry


def full_adder(p, q, carried, gate=nand):
    """p + q + carried of three bits as (sum, carry): two half adders, and an OR of their carries."""
    first, one = half_adder(p, q, gate)
    total, two = half_adder(first, carried, gate)
    carry = gate(gate(one, one), gate(two, two))        # one OR two
    return total, carry


def gates(circuit, inputs):
    """How many gates a circuit of so many inputs is made of: it runs once, with a gate that counts."""
    asked = []
    circuit(*np.zeros(inputs, int), gate=lambda p, q: asked.append(1) or nand(p, q))
    return len(asked)


def add(a, b, bits):
    """a + b for whole numbers of that many bits: a full adder for each place, lowest first."""
    carried = np.zeros_like(a)
    result = np.zeros_like(a)
    for place in range(bits):
        total, carried = full_adder(a >> place & 1, b >> place & 1, carried)
        result += total << place
    return result + (carried << bits)


def main(arguments=None):
    given = options(__doc__, arguments)

    outputs = perceptron(INPUTS, W, B)
    gate = GATES.get(",".join(map(str, outputs)), "perceptron")
    print(f"{gate}: w = ({W[0]:g}, {W[1]:g}), b = {B:g}")
    for x, output in zip(INPUTS, outputs):
        print(f"  x = {x.tolist()}   w . x + b = {x @ W + B:+g}   output {output}")
    quiz("w = (-2, -2), b = 3: what does this perceptron say to x = [0,0], [0,1], [1,0] and [1,1]?",
         ["0,0,0,0", "0,1,1,0", "0,0,0,1", "0,1,1,1", "1,1,1,0"],
         ",".join(map(str, perceptron(INPUTS, *NAND))))

    half, full = gates(half_adder, 2), gates(full_adder, 3)
    print(f"\nHalf adder, {half} perceptrons:")
    for p, q in INPUTS:
        total, carry = half_adder(p, q)
        print(f"  {p} + {q} = {carry}{total} in binary")

    bits = 4 if given.smoke else 8
    a, b = (numbers.ravel() for numbers in np.meshgrid(np.arange(2**bits), np.arange(2**bits)))
    sums = add(a, b, bits)
    right = (sums == a + b).sum()
    print(f"\nFull adder, {full} perceptrons: two half adders and {full - 2 * half} more")
    print(f"Adder of {bits} bits, {bits * full} perceptrons: {right} of {len(a)} additions are right")
    print(f"  {a[-2]} + {b[-2]} = {sums[-2]}")

    # Where the perceptron says 1 and where 0: a line cuts the plane, w . x + b = 0.
    picture = viz.decision_boundary(lambda x: perceptron(np.asarray(x), W, B), INPUTS, outputs,
                                    class_names=["output 0", "output 1"], feature_names=["x0", "x1"],
                                    title=f"{gate}: {W[0]:g} x0 {W[1]:+g} x1 {B:+g} > 0")
    draw(picture, "01_line.png", given)
    picture = viz.network([W[None]], biases=[np.array([B])], title="One perceptron",
                          names=[["x0", "x1"], [gate]])
    draw(picture, "01_perceptron.png", given)


if __name__ == "__main__":
    main()
