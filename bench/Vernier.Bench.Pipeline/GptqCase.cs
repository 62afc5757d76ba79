using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Bench.Pipeline;

/// <summary>
/// GPTQ of one square layer from its Gram matrix to its codes, ours and PyTorch's in turn: 4 bits, symmetric, the largest weight of each group of 64 gets the largest
/// level, damping 0.01, blocks of 128 columns. The weights are random, and the inputs of a layer whose channels are correlated.
/// </summary>
internal static class GptqCase
{
    private const int Group = 64, Bits = 4;

    /// <summary>Runs the case and prints a line of JSON.</summary>
    public static int Run(string folder, Options options)
    {
        int size = options.Number("size", 2048), threads = options.Number("threads", 2), pairs = options.Number("pairs", 5);
        using var workers = new Workers(threads);
        (float[] weights, GramMatrix gram) = Layer(size);
        var objective = new LayerObjective(gram.ToSymmetric(), size, workers);
        File.WriteAllBytes(Path.Combine(folder, "weights.bin"), MemoryMarshal.AsBytes(weights.AsSpan()));
        File.WriteAllBytes(Path.Combine(folder, "gram.bin"), MemoryMarshal.AsBytes(Array.ConvertAll(objective.Gram, value => (float)value).AsSpan()));

        var spec = new ScalarLayout(size, size, Bits, Granularity.Group(Group), size, 1, WideLevels: false, ZeroPoints: false);
        var problem = new MatrixProblem(spec, weights, 0, objective) { Tables = [UniformGrid.Create(Bits, LevelLayout.Symmetric)], Fit = new LargestScale(mirror: false), Workers = workers };
        var solver = new GptqSolver(new GptqStep());
        ScalarSolution? solution = null;
        using var peer = new Peer(folder, size, threads, options.Text("python", "python3"));
        (double[] ours, double[] theirs) = (new double[pairs], new double[pairs]);
        (double, double) their = default;
        for (int pair = -1; pair < pairs; pair++)
        {
            double seconds = 0;
            // Each is first in turn; the pause lets the other's threads go to sleep.
            if (pair % 2 == 0)
                their = peer.Run();
            Thread.Sleep(100);
            long start = Stopwatch.GetTimestamp();
            solution = solver.Solve(problem, GramFactor.Create(objective, ColumnOrder.Natural, 0.01)!);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Thread.Sleep(100);
            if (pair % 2 != 0)
                their = peer.Run();
            if (pair >= 0)
                (ours[pair], theirs[pair]) = (seconds, their.Item1);
        }
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            @case = $"gptq {size} x {size}",
            unit = "s",
            ours = Median(ours),
            peer = peer.Version,
            theirs = Median(theirs),
            ratio = Median(theirs.Zip(ours, (a, b) => a / b)),
            pairs,
            threads,
            objective = problem.Relative(solution!),
            their_objective = their.Item2,
            objective_nearest = problem.Relative(ScalarSolution.Nearest(problem, [])),
        }));
        return 0;
    }

    private static (float[] Weights, GramMatrix Gram) Layer(int size)
    {
        var random = new Random(3);
        var weights = Array.ConvertAll(new float[size * size], _ => Gaussian(random));
        float largest = weights.Max(Math.Abs);
        for (int i = 0; i < weights.Length; i++)
            weights[i] /= largest;
        var gram = new GramMatrix(size);
        var x = new float[512 * size];
        for (int batch = 0; batch < 16; batch++)
        {
            for (int row = 0; row < 512; row++)
            {
                // Neighbouring channels go together, as those of a network do.
                float carried = 0;
                for (int i = 0; i < size; i++)
                    x[row * size + i] = carried = 0.7f * carried + Gaussian(random);
            }
            gram.Add(x, 512);
        }
        return (weights, gram);
    }

    private static float Gaussian(Random random) => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 4);
    }

    /// <summary>The other side: a process that solves the layer once for each line it is sent.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly Process _process;

        public Peer(string folder, int size, int threads, string python)
        {
            var start = new ProcessStartInfo(python) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
            foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "gptq_torch.py"), folder, $"{size}", $"{Group}", $"{threads}"])
                start.ArgumentList.Add(argument);
            start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
            _process = Process.Start(start)!;
            Version = _process.StandardOutput.ReadLine()!;
        }

        public string Version { get; }

        public (double Seconds, double Objective) Run()
        {
            _process.StandardInput.WriteLine("run");
            _process.StandardInput.Flush();
            string[] words = _process.StandardOutput.ReadLine()!.Split(' ');
            return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
