"""What the library costs, next to what one would write instead.

``python -m benchmarks`` prints one table. Absolute times say more about a machine than about a
program, so only ratios count: both sides run in turns within one run, on the same data, with the
garbage collector off for both.
"""
