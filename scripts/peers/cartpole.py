"""Prints states of gymnasium's CartPole-v1 after fixed pushes, which examples/decision-transformer/CartPole.swift compares with its own.

    pip install gymnasium==1.4.0 && python3 scripts/peers/cartpole.py
"""

import gymnasium
import numpy

environment = gymnasium.make("CartPole-v1").unwrapped
environment.reset(seed=0)
environment.state = numpy.array((0.01, -0.02, 0.03, 0.04))
for time in range(22):
    _, _, is_over, _, _ = environment.step(time * time // 3 % 2)
    if time in (0, 9, 19, 21):
        print(f"{time}: {[float(value) for value in environment.state]}, is over: {is_over}")
