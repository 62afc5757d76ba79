using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Files;
using Vernier.Inference;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>vernier compare: one model by several recipes and bits, each written, read back and evaluated on the same text.</summary>
internal sealed class CompareCommand(CommandConsole console, CancellationToken cancellation)
{
    private readonly Argument<string> _model = Choose.Model();
    private readonly Option<string?> _recipes = Choose.Text("--recipes", "LIST", "Recipes, with commas, or all. [default: rtn,nupes-datafree]");
    private readonly Option<int[]?> _bits = Choose.Integers("--bits", "Bits of a weight in linear layers, with commas. [default: 4,3,2]", 2, 8);
    private readonly Option<Granularity?> _group = Choose.Group();
    private readonly Option<int> _embeddingBits = Choose.BitsOrNone("--embedding-bits", "Bits of a weight in embeddings and the output layer, 2 to 8, or none to leave them as they are.", 8);
    private readonly CalibrationArguments _calibration = new();
    private readonly TextArguments _text = new(textWindows: null);
    private readonly Option<string?> _markdown = Choose.Text("--markdown", "FILE", "Write the table to this file too, as Markdown.");
    private readonly Option<PackedArithmetic?> _arithmetic = Choose.Arithmetic();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var compare = new CompareCommand(console, cancellation);
        var command = new Command("compare", "Quantize a model by several recipes, and say how close each result is.") { compare._model };
        foreach (Option option in new Option[] { compare._recipes, compare._bits, compare._group, compare._embeddingBits })
            command.Options.Add(option);
        compare._calibration.AddTo(command);
        compare._text.AddTo(command);
        foreach (Option option in new Option[] { compare._arithmetic, compare._markdown, compare._threads, compare._json })
            command.Options.Add(option);
        command.SetAction(arguments => Threads.With(arguments.GetValue(compare._threads), () => compare.Run(arguments)));
        return command;
    }

    private int Run(ParseResult arguments)
    {
        string model = arguments.GetValue(_model)!;
        string names = arguments.GetValue(_recipes) ?? $"rtn,{RecipeCatalogue.Default}";
        Recipe[] recipes = names == "all" ? [.. RecipeCatalogue.All] : [.. names.Split(',', StringSplitOptions.TrimEntries).Select(RecipeCatalogue.Find)];
        int[] bits = arguments.GetValue(_bits) is [_, ..] list ? list : [4, 3, 2];
        ModelFiles.CheckFolder(model);
        using var checkpoint = Checkpoint.Open(model);
        TextWindows? text = _text.Read(arguments, model);
        CalibrationSet? calibration = _calibration.Read(arguments, model, recipes, cancellation);
        QuantizationPlan[][] plans = [.. bits.Select(b => recipes.Select(recipe => QuantizationPlan.Create(checkpoint, new QuantizationOptions
        {
            Recipe = recipe,
            Bits = b,
            Granularity = arguments.GetValue(_group) ?? Granularity.Group(64),
            EmbeddingBits = arguments.GetValue(_embeddingBits) is > 0 and int embedding ? embedding : null,
            Calibration = calibration,
        })).ToArray())];
        bool json = arguments.GetValue(_json);
        CompareReport report = new ProgressDisplay(console, silent: json).Run(progress => Compare(arguments, plans, text, progress));
        if (json)
            JsonOutput.Write(console, report);
        else
            report.WriteTo(console.Output);
        if (arguments.GetValue(_markdown) is string file)
            File.WriteAllText(file, report.ToMarkdown());
        return ErrorBoundary.Success;
    }

    // The models of the same number of bits are evaluated together, so that the original runs once for all of them.
    private CompareReport Compare(ParseResult arguments, QuantizationPlan[][] plans, TextWindows? text, ProgressReport progress)
    {
        string model = plans[0][0].Checkpoint.Folder;
        PackedArithmetic arithmetic = arguments.GetValue(_arithmetic) ?? PackedArithmetic.Integer;
        LanguageModel original = LanguageModel.Load(model);
        text ??= _text.Write(arguments, original, "the model", cancellation);
        var rows = new List<CompareRow>();
        string folder = Directory.CreateTempSubdirectory("vernier-").FullName;
        try
        {
            foreach (QuantizationPlan[] group in plans)
            {
                string stage = $"{group[0].Options.Bits} bits";
                var written = new List<Written>();
                foreach (QuantizationPlan plan in group)
                {
                    progress(stage, 0.5 * written.Count / group.Length);
                    written.Add(Write(plan, Path.Combine(folder, $"{plan.Options.Bits}-{written.Count}"), arithmetic));
                }
                IReadOnlyList<EvaluationResult> results = Evaluator.Evaluate([.. written.Select(one => one.Model)], original, text.Windows, new Relay<double>(part => progress(stage, 0.5 + 0.5 * part)), cancellation);
                if (rows.Count == 0)
                    rows.Add(CompareRow.OfOriginal(group[0], results[0]));
                rows.AddRange(group.Zip(written, results).Select(one => CompareRow.Of(one.First, one.Second.Bytes, one.Second.Tensors, one.Third, one.Second.Seconds)));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return new CompareReport(ModelFiles.NameOf(model), text.Origin, arithmetic, rows);
    }

    private Written Write(QuantizationPlan plan, string output, PackedArithmetic arithmetic)
    {
        long start = console.Time.GetTimestamp();
        IReadOnlyList<QuantizedTensorReport> tensors = new Quantizer(plan).Run(output, cancellation: cancellation);
        double seconds = console.Time.GetElapsedTime(start).TotalSeconds;
        using ModelFiles files = ModelFiles.Open(output);
        return new Written(LanguageModel.Load(output, arithmetic), files.Bytes, tensors, seconds);
    }

    private sealed record Written(LanguageModel Model, long Bytes, IReadOnlyList<QuantizedTensorReport> Tensors, double Seconds);
}
