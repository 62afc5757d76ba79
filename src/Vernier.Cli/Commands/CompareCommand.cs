using System.CommandLine;
using Vernier.Cli.Reports;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>vernier compare: one model by several recipes and bits, each written, read back and evaluated on the same text.</summary>
internal sealed class CompareCommand(CommandConsole console, CancellationToken cancellation)
{
    private const string Self = "self";

    private readonly Argument<string> _model = Choose.Model();
    private readonly Option<string?> _recipes =
        Choose.Text("--recipes", "LIST",
        "Recipes or recipe files, with commas, or all. RECIPE@FILE calibrates it on another text, RECIPE@self on one that the model "
        + "writes. [default: rtn,nupes-datafree]");
    private readonly Option<int[]?> _bits = Choose.Integers(
        "--bits", "Bits of a weight in linear layers, with commas; recipes are left out at more bits than they can do. [default: 4,3,2]",
        2, 8);
    private readonly Option<Granularity[]?> _groups = Choose.SomeGroups();
    private readonly Option<int> _embeddingBits =
        Choose.BitsOrNone("--embedding-bits",
        "Bits of a weight in embeddings and the output layer, 2 to 8, or none to leave them as they are.", 8);
    private readonly CalibrationArguments _calibration = new();
    private readonly TextArguments _text = new(textWindows: null);
    private readonly Option<string?> _markdown = Choose.Text("--markdown", "FILE", "Write the table to this file too, as Markdown.");
    private readonly Option<PackedArithmetic?> _arithmetic = Choose.Arithmetic();
    private readonly Option<int?> _threads = Choose.Threads();
    private readonly Option<bool> _json = Choose.Json();
    private readonly List<string> _notes = [];

    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console, CancellationToken cancellation)
    {
        var compare = new CompareCommand(console, cancellation);
        var command = new Command("compare", "Quantize a model by several recipes, and say how close each result is.") { compare._model };
        foreach (Option option in new Option[] { compare._recipes, compare._bits, compare._groups, compare._embeddingBits })
            command.Options.Add(option);
        compare._calibration.AddTo(command);
        compare._text.AddTo(command);
        foreach (Option option in new Option[] { compare._arithmetic, compare._markdown, compare._threads, compare._json })
            command.Options.Add(option);
        command.SetAction(compare.Run);
        return command;
    }

    private int Run(ParseResult arguments)
    {
        if (arguments.GetValue(_markdown) is string page)
            OutputCheck.CheckWritable(page);
        using var model = Model.Open(arguments.GetValue(_model)!);
        using Workers workers = Threads.Of(arguments.GetValue(_threads));
        Entry[] entries = Entries(arguments);
        int[] bits = arguments.GetValue(_bits) is [_, ..] list ? list : [4, 3, 2];
        Granularity?[] groups = arguments.GetValue(_groups) is [_, ..] given ? Array.ConvertAll(given, group => (Granularity?)group)
            : [null];
        model.CheckFinite(workers, cancellation);
        TextWindows? text = _text.Read(arguments, model);
        CalibrationSet? calibration = _calibration.IsGiven(arguments)
            ? model.Runs ? _calibration.OfCommand(arguments, model, workers, cancellation) : null
            : _calibration.Read(arguments, model, entries.Select(entry => entry.Recipe), workers, cancellation);
        Dictionary<string, CalibrationSet> others = entries.Where(entry => entry.Text is not null).Select(entry => entry.Text!)
            .Distinct(StringComparer.Ordinal)
            .ToDictionary(file => file, file => _calibration.Cut(arguments, model, file == Self ? null : file, workers, cancellation),
                StringComparer.Ordinal);
        // What a grid does not leave to the command, such as the blocks of a format, is the same in every group: one row is enough.
        var seen = new HashSet<(string, int, Granularity)>();
        Candidate[][] plans = [.. groups
            .SelectMany(group => bits.Select(b => entries.Where(entry => b <= entry.Recipe.MostBits)
                .Select(entry => (entry.Name, Calibration: entry.Text is null ? calibration
                    : others[entry.Text], Options: new QuantizationOptions
                {
                    Recipe = entry.Recipe,
                    Bits = b,
                    Granularity = group,
                    EmbeddingBits = arguments.GetValue(_embeddingBits) is > 0 and int embedding ? embedding : null,
                }))
                .Where(candidate => seen.Add((candidate.Name, candidate.Options.LinearBits, candidate.Options.LinearGranularity)))
                .Select(candidate => new Candidate(candidate.Name, QuantizationPlan.Create(model, candidate.Options, workers),
                    candidate.Calibration))
                .ToArray()))
            .Where(row => row.Length > 0)];
        if (plans.Length == 0)
            throw new UsageException(
                $"--bits: none of the recipes can do so many bits; {entries[0].Recipe.Name} can do {entries[0].Recipe.MostBits}.");
        OutputCheck.CheckTemporary(plans.SelectMany(row => row).Sum(candidate => candidate.Plan.Bytes)
            + plans.Sum(row => row.Length) * model.Companions.Sum(companion => companion.Bytes));
        _notes.AddRange(model.Notes);
        _notes.AddRange(plans.SelectMany(row => row).Select(candidate => candidate.Calibration is CalibrationSet set
            ? candidate.Plan.ShortCalibration((long)set.Sequences.Count * set.Length) : null).OfType<string>()
                .Distinct(StringComparer.Ordinal));
        bool json = arguments.GetValue(_json);
        if (!json)
            _notes.ForEach(console.Remark);
        CompareReport report = new ProgressDisplay(console, silent: json)
            .Run(progress => Compare(arguments, model, plans, text, calibration, progress));
        if (json)
            JsonOutput.Write(console, report);
        else
            report.WriteTo(console.Output);
        if (arguments.GetValue(_markdown) is string file)
            File.WriteAllText(file, report.ToMarkdown());
        return ErrorBoundary.Success;
    }

    // A recipe by name or file, and behind an @ the text that it is calibrated on in place of the others'.
    private Entry[] Entries(ParseResult arguments)
    {
        string names = arguments.GetValue(_recipes) ?? $"rtn,{RecipeCatalogue.Default}";
        return [.. names.Split(',', StringSplitOptions.TrimEntries)
            .SelectMany(name => name == "all" ? RecipeCatalogue.All.Select(recipe => new Entry(recipe.Name, recipe, null))
            : [Entry.Parse(name)])];
    }

    // The models of the same granularity and number of bits are evaluated together, so that the original runs once for all of them.
    private CompareReport Compare(ParseResult arguments, Model model, Candidate[][] plans, TextWindows? text, CalibrationSet? calibration,
        ProgressReport progress)
    {
        PackedArithmetic arithmetic = arguments.GetValue(_arithmetic) ?? PackedArithmetic.Integer;
        Workers workers = plans[0][0].Plan.Workers;
        LanguageModel original = LanguageModel.Load(model, workers: workers);
        text ??= _text.Write(arguments, original, "the model", workers, cancellation);
        var rows = new List<CompareRow>();
        var folders = new List<string>();
        string folder = Directory.CreateTempSubdirectory("vernier-").FullName;
        try
        {
            foreach (Candidate[] group in plans)
            {
                string stage = $"{group[0].Plan.Options.LinearBits} bits, {group[0].Plan.Options.LinearGranularity}";
                var written = new List<Written>();
                foreach (Candidate candidate in group)
                {
                    progress(stage, 0.5 * written.Count / group.Length);
                    folders.Add(Path.Combine(folder, $"{folders.Count}"));
                    written.Add(Write(candidate, folders[^1], arithmetic));
                }
                IReadOnlyList<EvaluationResult> results = Evaluate(group, [.. written.Select(one => one.Model)], original, text,
                    part => progress(stage, 0.5 + 0.5 * part));
                if (rows.Count == 0)
                    rows.Add(CompareRow.OfOriginal(group[0].Plan, results[0]));
                rows.AddRange(group.Zip(written, results)
                    .Select(one => CompareRow.Of(one.First.Name, one.First.Plan, one.Second.Bytes, one.Second.Tensors, one.Third,
                    one.Second.Seconds)));
            }
            if (calibration is not null)
            {
                IReadOnlyList<IReadOnlyDictionary<string,
                    double>> objectives = LayerObjectives.Measure(
                    model, folders, [.. plans.SelectMany(group => group.Select(candidate => candidate.Plan.Order))], calibration,
                    new Relay<double>(part => progress("layer objectives", part)), workers, cancellation);
                int[] firsts = [.. plans.SelectMany((group, i) =>
                    Enumerable.Repeat(plans.Take(i).Sum(before => before.Length), group.Length))];
                for (int i = 0; i < objectives.Count; i++)
                    rows[i + 1] = rows[i + 1].WithObjectives(objectives[i], objectives[firsts[i]]);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return new CompareReport(ModelFiles.NameOf(model), text.Origin, calibration?.Origin, arithmetic, rows, _notes);
    }

    // Which of them predicts what is no number is known by its recipe, not by its folder.
    private IReadOnlyList<EvaluationResult> Evaluate(Candidate[] group, IReadOnlyList<LanguageModel> models, LanguageModel original,
        TextWindows text, Action<double> progress)
    {
        try
        {
            return Evaluator.Evaluate(models, original, text.Windows, new Relay<double>(progress), group[0].Plan.Workers, cancellation);
        }
        catch (NotFiniteException e) when (e.Number >= 0)
        {
            Candidate candidate = group[e.Number];
            throw new NotFiniteException($"{candidate.Name}, {candidate.Plan.Options.LinearBits} bits", e.Problem);
        }
    }

    private Written Write(Candidate candidate, string output, PackedArithmetic arithmetic)
    {
        long start = console.Time.GetTimestamp();
        IReadOnlyList<QuantizedTensorReport> tensors = new Quantizer(candidate.Plan)
            .Run(output, new RunOptions { Calibration = candidate.Calibration }, cancellation);
        _notes.AddRange(tensors.Select(tensor => tensor.Error.Lost).OfType<LostNumbers>()
            .Select(lost => $"{candidate.Name}, {candidate.Plan.Options.LinearBits} bits: lost: {lost}"));
        double seconds = console.Time.GetElapsedTime(start).TotalSeconds;
        using ModelFiles files = ModelFiles.Open(output);
        return new Written(LanguageModel.Load(files.Model, arithmetic, candidate.Plan.Workers), files.Bytes, tensors, seconds);
    }

    private sealed record Written(LanguageModel Model, long Bytes, IReadOnlyList<QuantizedTensorReport> Tensors, double Seconds);

    private sealed record Candidate(string Name, QuantizationPlan Plan, CalibrationSet? Calibration);

    /// <summary>One of the list of recipes.</summary>
    /// <param name="Name">What its rows are called.</param>
    /// <param name="Recipe">The recipe.</param>
    /// <param name="Text">The text that it is calibrated on, <see cref="Self"/> for the model's own, or null for that of the
    /// command.</param>
    private sealed record Entry(string Name, Recipe Recipe, string? Text)
    {
        public static Entry Parse(string text)
        {
            int at = text.IndexOf('@', StringComparison.Ordinal);
            Recipe recipe = RecipeArguments.Named(at < 0 ? text : text[..at]);
            if (at < 0)
                return new Entry(recipe.Name, recipe, null);
            if (!recipe.NeedsCalibration)
                throw new UsageException($"--recipes: '{text}': the recipe {recipe.Name} needs no text. Leave out '{text[at..]}'.");
            return new Entry($"{recipe.Name}@{Path.GetFileName(text[(at + 1)..])}", recipe, text[(at + 1)..]);
        }
    }
}
