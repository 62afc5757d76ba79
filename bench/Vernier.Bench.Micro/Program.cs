using BenchmarkDotNet.Running;

// Micro-benchmarks of single kernels, in the usual ways of BenchmarkDotNet: --list flat, --filter '*Packed*', --job short.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
