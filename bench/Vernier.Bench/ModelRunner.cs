using System.Diagnostics;
using System.Text.Json;
using Vernier.Inference;
using Vernier.Numerics;

namespace Vernier.Bench;

/// <summary>Measures models against llama.cpp's of the same shape and about the same bits, in turn.</summary>
internal sealed class ModelRunner(string folder, LlamaShape shape, string peer, Workers workers, int pairs, bool processorTime)
{
    private const int GenerateContext = 1, GenerateTokens = 16;

    private LlamaCpp? _library;

    /// <summary>The models. The output layer of Q4_0 files has 6.6 bits, so that ours has 6.5.</summary>
    public static IReadOnlyList<ModelKind> Kinds { get; } =
    [
        new("4-uniform", 4, 6, 4, 0),
        new("4-power", 4, 6, 4, 1),
        new("4-power-of-8", 4, 6, 4, 8),
        new("8-uniform", 8, 8, 8, 0),
        new("8-power", 8, 8, 8, 1),
        new("3-uniform", 3, 6, 4, 0),
        new("2-uniform", 2, 6, 4, 0),
    ];

    /// <summary>Runs the cases of one model.</summary>
    public void Run(ModelKind kind, string[] cases)
    {
        string ours = RandomModel.Ensure(folder, shape, kind), type = kind.Bits == 8 ? "Q8_0" : "Q4_0";
        string? theirs = peer.Length == 0 ? null : EnsureGguf(type);
        if (cases.Contains("load"))
            Load(kind, type, ours, theirs);
        if (!cases.Contains("generate") && !cases.Contains("prompt"))
            return;
        var model = new SpeedMeasurement(LanguageModel.Load(ours, workers: workers).CreateSession(workers));
        using LlamaSession? session = theirs is null ? null : Library.Open(theirs, LlamaShape.Context, workers.Threads);
        double gigabytes = model.WeightBytes / 1e9;
        if (cases.Contains("generate"))
        {
            Report($"generate {kind.Name}", $"llama.cpp {type}", "tokens/s", Pairs(
                () => Rate(GenerateTokens, () => GenerateTokens / model.Generate(GenerateContext, GenerateTokens)),
                session is null ? null : () => Rate(GenerateTokens, () => Generate(session))), gigabytes);
        }
        foreach (int length in cases.Contains("prompt") ? (int[])[256, 1024] : [])
        {
            Report($"prompt {length} {kind.Name}", $"llama.cpp {type}", "tokens/s", Pairs(
                () => Rate(length, () => length / model.Prompt(length)),
                session is null ? null : () => Rate(length, () => Prompt(session, length))), null);
        }
    }

    /// <summary>
    /// Measures the generation of every layout against the first of them, in turn, at the same bytes: what the first would reach if its weights took as many bytes as those of the layout.
    /// </summary>
    public void RunLayouts(string[] names)
    {
        ModelKind[] kinds = [.. RandomLayouts.Kinds.Where((kind, i) => i == 0 || names.Length == 0 || names.Contains(kind.Name))];
        var first = new SpeedMeasurement(LanguageModel.Load(RandomModel.Ensure(folder, shape, kinds[0]), workers: workers).CreateSession(workers));
        foreach (ModelKind kind in kinds.Skip(1))
        {
            var model = new SpeedMeasurement(LanguageModel.Load(RandomModel.Ensure(folder, shape, kind), workers: workers).CreateSession(workers));
            double sameBytes = (double)first.WeightBytes / model.WeightBytes;
            Report($"generate {kind.Name}", $"{kinds[0].Name} at the same bytes", "tokens/s", Pairs(
                () => Rate(GenerateTokens, () => GenerateTokens / model.Generate(GenerateContext, GenerateTokens)),
                () => sameBytes * Rate(GenerateTokens, () => GenerateTokens / first.Generate(GenerateContext, GenerateTokens))), model.WeightBytes / 1e9);
        }
    }

    /// <summary>Tokens per second of the clock, or of processor time, which on a busy machine is fairer to both where there is one thread.</summary>
    private double Rate(int tokens, Func<double> measure)
    {
        if (!processorTime)
            return measure();
        using var process = Process.GetCurrentProcess();
        TimeSpan start = process.TotalProcessorTime;
        measure();
        process.Refresh();
        return tokens / (process.TotalProcessorTime - start).TotalSeconds;
    }

    private LlamaCpp Library => _library ??= new LlamaCpp(peer);

    private void Load(ModelKind kind, string type, string ours, string? theirs)
    {
        double file = Directory.EnumerateFiles(ours).Sum(path => new FileInfo(path).Length);
        var bytes = new List<double>();
        List<(double Ours, double Theirs)> seconds = Pairs(
            () =>
            {
                (double time, double memory) = FirstToken.Run("vernier", ours, peer, workers.Threads);
                bytes.Add(memory);
                return time;
            },
            theirs is null ? null : () => FirstToken.Run("llama.cpp", theirs, peer, workers.Threads).Seconds, inOneProcess: false);
        Report($"load to first token {kind.Name}", $"llama.cpp {type}", "s", seconds, null);
        Console.WriteLine(JsonSerializer.Serialize(new { @case = $"peak memory {kind.Name}", unit = "of the file", ours = Round(bytes.Order().ElementAt(bytes.Count / 2) / file), file_bytes = file }));
    }

    private string EnsureGguf(string type)
    {
        string target = Path.Combine(folder, $"llama-{type}.gguf"), source = Path.Combine(folder, "llama-F16.gguf");
        if (File.Exists(target))
            return target;
        if (!File.Exists(source))
            GgufModel.Write(source, shape);
        Library.Quantize(source, target, type == "Q4_0" ? 2 : 7, workers.Threads);
        return target;
    }

    /// <summary>
    /// One measurement to warm up, then pairs, ours and theirs taking turns to be first. The threads of llama.cpp look for work for a tenth of a second before they
    /// sleep; the pauses let them.
    /// </summary>
    private List<(double Ours, double Theirs)> Pairs(Func<double> ours, Func<double>? theirs, bool inOneProcess = true)
    {
        ours();
        theirs?.Invoke();
        var results = new List<(double, double)>();
        for (int i = 0; i < pairs; i++)
        {
            double their = i % 2 == 0 ? 0 : Alone(theirs);
            double our = Alone(ours);
            if (i % 2 == 0)
                their = Alone(theirs);
            results.Add((our, their));
        }
        return results;

        double Alone(Func<double>? measure)
        {
            if (inOneProcess)
                Thread.Sleep(500);
            return measure?.Invoke() ?? double.NaN;
        }
    }

    private static void Report(string name, string peerName, string unit, List<(double Ours, double Theirs)> results, double? gigabytes)
    {
        double ours = Median(results.Select(result => result.Ours)), theirs = Median(results.Select(result => result.Theirs));
        double ratio = Median(results.Select(result => result.Ours / result.Theirs));
        bool compared = !double.IsNaN(theirs);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            @case = name,
            unit,
            ours = Round(ours),
            peer = compared ? peerName : null,
            theirs = compared ? Round(theirs) : null as double?,
            ratio = compared ? Round(ratio) : null as double?,
            best_ours = Round(Best(results.Select(result => result.Ours), unit)),
            best_theirs = compared ? Round(Best(results.Select(result => result.Theirs), unit)) : null as double?,
            gigabytes_per_second = gigabytes is null ? null as double? : Round(gigabytes.Value * ours),
            pairs = results.Count,
        }));
    }

    private static double Generate(LlamaSession session)
    {
        session.Clear();
        session.Decode(Tokens(GenerateContext));
        long start = Stopwatch.GetTimestamp();
        foreach (int token in Tokens(GenerateTokens))
            session.Decode([token]);
        return GenerateTokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Prompt(LlamaSession session, int length)
    {
        session.Clear();
        int[] tokens = Tokens(length);
        long start = Stopwatch.GetTimestamp();
        session.Decode(tokens);
        return length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(i => (int)((i + 1) * 2654435761L % 32000))];

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The least disturbed measurement, for a machine that does other work too.</summary>
    private static double Best(IEnumerable<double> values, string unit) => unit == "s" ? values.Min() : values.Max();

    private static double Round(double value) => Math.Round(value, 3);
}
