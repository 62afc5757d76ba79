using System.CommandLine;
using System.Text.RegularExpressions;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Weights;

namespace Vernier.Cli.Commands;

/// <summary>vernier inspect: the tensors of a model and how their numbers are distributed.</summary>
internal sealed class InspectCommand(CommandConsole console, CancellationToken cancellation)
{
    private readonly Argument<string> _model = Choose.Model("The folder of a model, float or quantized, or a .gguf file.");
    private readonly Option<Regex?> _match = Choose.Pattern("--match", "Only tensors whose names match.");
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var inspect = new InspectCommand(console, cancellation);
        var command = new Command("inspect", "List the tensors of a model, even of one that is refused: shapes, sizes, distributions.") {
            inspect._model, inspect._match, inspect._threads, inspect._json };
        command.SetAction(inspect.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string folder = arguments.GetValue(_model)!;
        using ModelListing files = ModelListing.Open(folder);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        Regex? match = arguments.GetValue(_match);
        List<TensorDetails> tensors = [];
        HashSet<string> arrays = [.. files.Packed?.Tensors.SelectMany(pair => pair.Value.Arrays(pair.Key)).Select(array => array.Name)
            ?? []];
        List<(string Name, Func<TensorDetails> Measure)> work =
            [.. Work(files, arrays, workers).Where(item => match?.IsMatch(item.Name) != false)];
        if (work.Count == 0 && match is not null)
            throw new UsageException($"--match: no tensor of {folder} has a name that '{match}' matches.");
        bool json = arguments.GetValue(_json);
        long parameters = files.Checkpoint.Tensors.Where(tensor => !arrays.Contains(tensor.Name)).Sum(tensor => tensor.Count)
            + (files.Packed?.Tensors.Values.Sum(spec => (long)spec.Rows * spec.Columns) ?? 0);
        var report = new InspectReport(folder, files.Architecture, files.Packed?.Recipe, files.Refusal?.Message, parameters, files.Bytes,
            8.0 * files.Bytes / parameters, new ProgressDisplay(console, silent: json).Run(progress =>
        {
            foreach ((_, Func<TensorDetails> measure) in work)
            {
                cancellation.ThrowIfCancellationRequested();
                progress("measuring", (double)tensors.Count / work.Count);
                tensors.Add(measure());
            }
            return tensors;
        }));
        if (json)
            JsonOutput.Write(console, report);
        else
            report.WriteTo(console.Output);
        return ErrorBoundary.Success;
    }

    // In the order of the checkpoint; the arrays of a packed matrix count as the matrix.
    private static IEnumerable<(string Name, Func<TensorDetails> Measure)> Work(ModelListing files, HashSet<string> arrays, Workers workers)
    {
        Dictionary<string, (string Name, PackedLayout Layout)> firsts =
            files.Packed?.Tensors.ToDictionary(pair =>
            pair.Value.Arrays(pair.Key)[0].Name, pair => (pair.Key, pair.Value), StringComparer.Ordinal) ?? [];
        foreach (TensorInfo tensor in files.Checkpoint.Tensors)
        {
            if (!arrays.Contains(tensor.Name))
                yield return (tensor.Name, () => Plain(files, tensor, workers));
            else if (firsts.TryGetValue(tensor.Name, out (string Name, PackedLayout Layout) packed))
                yield return (packed.Name, () => Packed(files, packed.Name, packed.Layout, workers));
        }
    }

    private static TensorDetails Plain(ModelListing files, TensorInfo tensor, Workers workers)
    {
        bool real = tensor.Type.Bits() % 8 == 0 && tensor.Type is not (ElementType.C64 or ElementType.BOOL);
        (string type, long bytes) = files.Stored(tensor);
        return Details(tensor, type, bytes, null, null, real
            ? Statistics(files, () => WeightStatistics.Of(files.Checkpoint, tensor, workers)) : null);
    }

    private static TensorDetails Packed(ModelListing files, string name, PackedLayout layout, Workers workers)
    {
        PackedMatrix? packed = Statistics(files, () => PackedMatrixReader.Read(files.Checkpoint, name, layout));
        var tensor = new TensorInfo(name, ElementType.F32, [layout.Rows, layout.Columns]);
        return Details(tensor, layout.Summary, layout.StoredBytes, layout, packed?.Exponents,
            packed is null ? null : WeightStatistics.Of(packed, workers));
    }

    // Of a model that is refused anyway what can't be read is listed without figures.
    private static T? Statistics<T>(ModelListing files, Func<T> measure)
        where T : class
    {
        try
        {
            return measure();
        }
        catch (VernierException) when (files.Refusal is not null)
        {
            return null;
        }
    }

    private static TensorDetails Details(TensorInfo tensor, string type, long bytes, PackedLayout? layout, IReadOnlyList<double>? exponents,
        WeightStatistics? statistics) => new(
        tensor.Name, type, tensor.Shape, RoleName(tensor), tensor.Count, bytes, 8.0 * bytes / tensor.Count, layout?.CodeBits,
            layout?.GroupColumns, exponents,
        statistics?.Minimum, statistics?.Maximum, statistics?.Mean, statistics?.StandardDeviation, statistics?.Kurtosis,
        statistics?.BeyondThreeSigma, statistics?.BeyondSixSigma, statistics?.NotFinite);

    private static string RoleName(TensorInfo tensor) => TensorRoles.Of(tensor) switch
    {
        TensorRole.Linear => "linear",
        TensorRole.Embedding => "embedding",
        _ => "other",
    };
}
