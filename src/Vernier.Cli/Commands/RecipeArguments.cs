using System.CommandLine;
using System.Text.Json;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>The options that name a recipe and replace parts of it.</summary>
internal sealed class RecipeArguments
{
    private readonly Option<string> _recipe = new("--recipe", "-r")
    {
        Description = "A recipe that 'vernier recipes' lists, or the path of a recipe file (.json).",
        HelpName = "NAME|FILE",
        DefaultValueFactory = _ => RecipeCatalogue.Default,
    };

    private readonly Option<GridKind?> _grid = Choose.OneOf<GridKind>("--grid", "In place of the recipe's: the family of the grid.");
    private readonly Option<LevelLayout[]?> _layout = Choose.SomeOf<LevelLayout>("--layout", "In place of the recipe's: the layouts of levels to choose from.");
    private readonly Option<double?> _exponent = Choose.Number("--exponent", "A", "In place of a search: the exponent of the power grid.", PowerGrid.MinExponent, PowerGrid.MaxExponent);
    private readonly Option<int[]?> _exponentBits = Choose.Integers("--exponent-bits", "In place of the recipe's: the bits of exponent of a minifloat to choose from, with commas.", 1, 7);
    private readonly Option<GridScope?> _scope = Choose.OneOf<GridScope>("--scope", "In place of the recipe's: which weights share the grid's parameters.");
    private readonly Option<RoundingRule?> _rounding = Choose.OneOf<RoundingRule>("--rounding", "In place of the recipe's: how weights are rounded.");
    private readonly Option<ScaleRule?> _scale = Choose.OneOf<ScaleRule>("--scale", "In place of the recipe's: how scales are chosen.");
    private readonly Option<Answer?> _preserveNorm = Choose.OneOf<Answer>("--preserve-norm", "In place of the recipe's: whether searched scales are enlarged at last, so that norms are kept.");
    private readonly Option<int?> _tables = Choose.Among("--tables", "In place of the recipe's: how many level tables each group of weights may choose from.", new[] { 1, 2, 4, 8 }.ToDictionary(n => n.ToString()));

    // The library takes only true and false, and none at all, for an option of type bool.
    private enum Answer
    {
        Yes,
        No,
    }

    private Option[] Parts => [_grid, _layout, _exponent, _exponentBits, _tables, _scope, _rounding, _scale, _preserveNorm];

    /// <summary>Adds the option --recipe.</summary>
    public void AddRecipeTo(Command command) => command.Options.Add(_recipe);

    /// <summary>Adds the options for the parts.</summary>
    public void AddPartsTo(Command command)
    {
        foreach (Option option in Parts)
            command.Options.Add(option);
    }

    /// <summary>The recipe with the parts that the command replaces. Its name says which those are.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="standard">The recipe where the command names none; null for the one that the help names.</param>
    public Recipe Build(ParseResult arguments, string? standard = null)
    {
        Recipe recipe = Named(standard is not null && arguments.GetResult(_recipe) is null or { Implicit: true } ? standard ?? RecipeCatalogue.Default : arguments.GetValue(_recipe)!);
        Option[] given = [.. Parts.Where(option => arguments.GetResult(option) is not null)];
        GridKind kind = arguments.GetValue(_grid) ?? recipe.Grid.Kind;
        if (kind != GridKind.Power && given.Contains(_exponent))
            throw new UsageException("--exponent: only a power grid has an exponent. Say --grid power as well, or leave it out.");
        if (kind != GridKind.Minifloat && given.Contains(_exponentBits))
            throw new UsageException("--exponent-bits: only a minifloat has bits of exponent. Say --grid minifloat as well, or leave it out.");
        int[] exponentBits = kind != GridKind.Minifloat ? []
            : arguments.GetValue(_exponentBits) is [_, ..] list ? list
            : recipe.Grid.Kind == GridKind.Minifloat ? [.. recipe.Grid.ExponentBits]
            : [1, 2, 3];
        Recipe built = recipe with
        {
            Name = string.Join('+', given.Select(option => $"{option.Name.TrimStart('-')}={arguments.GetResult(option)!.Tokens[^1].Value}").Prepend(recipe.Name)),
            Grid = recipe.Grid with
            {
                Kind = kind,
                Layouts = arguments.GetValue(_layout) is [_, ..] layouts ? layouts : LayoutsFor(kind, recipe.Grid.Layouts),
                Tables = arguments.GetValue(_tables) ?? recipe.Grid.Tables,
                Scope = arguments.GetValue(_scope) ?? recipe.Grid.Scope,
                Dimension = kind == GridKind.Vector ? recipe.Grid.Dimension : 1,
                BlockColumns = kind == GridKind.Vector ? recipe.Grid.BlockColumns : 0,
                Rank = kind == GridKind.Vector ? recipe.Grid.Rank : 1,
                Exponent = kind == GridKind.Power ? arguments.GetValue(_exponent) ?? recipe.Grid.Exponent : null,
                ExponentBits = exponentBits,
                Formats = kind == GridKind.Minifloat && !given.Contains(_exponentBits) ? recipe.Grid.Formats : [],
            },
            Rounding = arguments.GetValue(_rounding) ?? recipe.Rounding,
            Scale = arguments.GetValue(_scale) ?? recipe.Scale,
            PreserveNorm = arguments.GetValue(_preserveNorm) is Answer answer ? answer == Answer.Yes : recipe.PreserveNorm,
        };
        if (!HasChoice(built.Grid))
        {
            if (arguments.GetValue(_tables) > 1)
                throw new UsageException("--tables: only a power grid, and none with a given layout and exponent, is more than a single table. Leave it out.");
            built = built with { Grid = built.Grid with { Tables = 1 } };
        }
        return built.Problem is string problem ? throw new UsageException($"the recipe '{built.Name}' does not work: {problem}.") : built;
    }

    // A recipe may have a layout that another grid does not; the nearest takes its place.
    private static IReadOnlyList<LevelLayout> LayoutsFor(GridKind kind, IReadOnlyList<LevelLayout> layouts) => kind switch
    {
        GridKind.Minifloat or GridKind.Trits or GridKind.Ggml => [LevelLayout.Symmetric],
        GridKind.NormalFloat or GridKind.Codebook or GridKind.Vector => [LevelLayout.Full],
        GridKind.TwoLevel => [LevelLayout.Asymmetric],
        GridKind.Power => [.. layouts.Select(layout => layout == LevelLayout.Asymmetric ? LevelLayout.Offset : layout).Distinct()],
        _ => [.. layouts.Select(layout => layout == LevelLayout.Offset ? LevelLayout.Full : layout).Distinct()],
    };

    // Whether there can be several tables to choose from.
    private static bool HasChoice(GridPart grid) =>
        grid.Kind == GridKind.Codebook || (grid.Kind == GridKind.Power && (grid.Exponent is null || grid.Layouts.Count > 1 || grid.Layouts.Contains(LevelLayout.Offset)));

    /// <summary>The recipe of that name.</summary>
    public static Recipe Listed(string name)
    {
        try
        {
            return RecipeCatalogue.Find(name);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>The recipe of that name, or in the file of that path.</summary>
    public static Recipe Named(string name)
    {
        bool path = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || name.Contains('/') || name.Contains(Path.DirectorySeparatorChar);
        if (!path)
            return Listed(name);
        if (!File.Exists(name))
            throw new InvalidFileException(name, FileRules.FileMissing, "the file does not exist", "Check the path, or name a recipe that 'vernier recipes' lists");
        try
        {
            using FileStream stream = File.OpenRead(name);
            return Recipe.Parse(stream);
        }
        catch (JsonException e)
        {
            throw new InvalidFileException(name, "recipe-invalid", $"the file is no recipe: {e.Message.TrimEnd('.')}", "Begin with one that 'vernier recipes NAME' prints", innerException: e);
        }
    }
}
