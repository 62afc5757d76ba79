using System.Diagnostics;
using System.Text.Json;
using Vernier.Files.Gguf.Blocks;
using Vernier.Numerics;

namespace Vernier.Bench.Pipeline;

/// <summary>Encodes a matrix without data, ours and ggml's in turn, ggml's on as many threads with the rows split among them. The bytes must be the same.</summary>
internal static class GgufEncodeCase
{
    /// <summary>Runs the case and prints a line of JSON for each type.</summary>
    public static int Run(Options options)
    {
        int rows = options.Number("rows", 4096), columns = options.Number("columns", 4096), threads = options.Number("threads", 2), pairs = options.Number("pairs", 7);
        string folder = options.Text("llama-cpp", Environment.GetEnvironmentVariable("VERNIER_LLAMA_CPP") ?? "");
        if (!Directory.Exists(folder))
        {
            Console.Error.WriteLine("bench: name the folder of llama.cpp's libraries with --llama-cpp or VERNIER_LLAMA_CPP.");
            return 2;
        }
        var ggml = new Ggml(folder);
        using var team = new Workers(threads);
        var random = new Random(1);
        var weights = new float[rows * columns];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = 0.02f * (random.NextSingle() + random.NextSingle() + random.NextSingle() + random.NextSingle() - 2);
        string types = options.Text("types", string.Join(',', BlockFormats.All.Select(format => format.Name)));
        foreach (string name in types.Split(','))
        {
            if (!BlockFormats.TryGet(name, out BlockFormat? format))
                continue;
            byte[] ours = new byte[format.BytesOf(weights.Length)], theirs = new byte[ours.Length];
            (double[] our, double[] their) = (new double[pairs], new double[pairs]);
            // Tiered compilation replaces code after some calls and a tenth of a second.
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < 0.5;)
                format.EncodeRows(weights, columns, [], ours, team);
            for (int pair = -1; pair < pairs; pair++)
            {
                double their1 = pair % 2 == 0 ? Seconds(() => Peer(ggml, format, weights, columns, theirs, threads)) : 0;
                double our1 = Seconds(() => format.EncodeRows(weights, columns, [], ours, team));
                if (pair % 2 != 0)
                    their1 = Seconds(() => Peer(ggml, format, weights, columns, theirs, threads));
                if (pair >= 0)
                    (our[pair], their[pair]) = (weights.Length / our1 / 1e6, weights.Length / their1 / 1e6);
            }
            if (!ours.AsSpan().SequenceEqual(theirs))
                throw new InvalidOperationException($"{name}: the bytes differ");
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                @case = $"encode {name}",
                unit = "million weights/s",
                ours = Median(our),
                peer = "ggml_quantize_chunk",
                theirs = Median(their),
                ratio = Median(our.Zip(their, (a, b) => a / b)),
                pairs,
                threads,
            }));
        }
        return 0;
    }

    private static void Peer(Ggml ggml, BlockFormat format, float[] weights, int columns, byte[] blocks, int threads)
    {
        int rows = weights.Length / columns, rowBytes = (int)format.BytesOf(columns);
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int begin = rows * i / threads, end = rows * (i + 1) / threads;
            workers[i] = new Thread(() => ggml.Quantize(format.TypeId, weights.AsSpan(begin * columns, (end - begin) * columns), columns, [], blocks.AsSpan(begin * rowBytes, (end - begin) * rowBytes)));
            workers[i].Start();
        }
        foreach (Thread worker in workers)
            worker.Join();
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 2);
    }
}
