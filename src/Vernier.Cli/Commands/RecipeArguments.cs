using System.CommandLine;
using System.Text.Json;
using Vernier.Cli.Terminal;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Minifloat;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
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

    private readonly Option<string?> _grid = Choose.Name("--grid", "In place of the recipe's: the family of the grid.", GridSpecs.Kinds);
    private readonly Option<LevelLayout[]?> _layout =
        Choose.SomeOf<LevelLayout>("--layout", "In place of the recipe's: the layouts of levels to choose from.");
    private readonly Option<double?> _exponent =
        Choose.Number("--exponent", "A", "In place of a search: the exponent of the power grid.", PowerGrid.MinExponent,
        PowerGrid.MaxExponent);
    private readonly Option<int[]?> _exponentBits =
        Choose.Integers("--exponent-bits", "In place of the recipe's: the bits of exponent of a minifloat to choose from, with commas.",
        1, 7);
    private readonly Option<GridScope?> _scope =
        Choose.OneOf<GridScope>("--scope", "In place of the recipe's: which weights share the grid's parameters.");
    private readonly Option<RoundingRule?> _rounding =
        Choose.OneOf<RoundingRule>("--rounding", "In place of the recipe's: how weights are rounded.");
    private readonly Option<ScaleRule?> _scale = Choose.OneOf<ScaleRule>("--scale", "In place of the recipe's: how scales are chosen.");
    private readonly Option<Answer?> _preserveNorm =
        Choose.OneOf<Answer>(
        "--preserve-norm", "In place of the recipe's: whether searched scales are enlarged at last, so that norms are kept.");
    private readonly Option<int?> _tables = Choose.Among(
        "--tables", "In place of the recipe's: how many level tables each group of weights may choose from.",
        new[] { 1, 2, 4, 8 }.ToDictionary(n => n.ToString()));

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
        Recipe recipe = Named(standard is not null && arguments.GetResult(_recipe) is null or { Implicit: true }
            ? standard ?? RecipeCatalogue.Default : arguments.GetValue(_recipe)!);
        Option[] given = [.. Parts.Where(option => arguments.GetResult(option) is not null)];
        GridSpec grid = Grid(arguments, recipe.Grid, given);
        Recipe built = recipe with
        {
            Name = string.Join('+', given.Select(option => $"{option.Name.TrimStart('-')}={arguments.GetResult(option)!.Tokens[^1].Value}")
                .Prepend(recipe.Name)),
            Grid = grid,
            Rounding = arguments.GetValue(_rounding) ?? recipe.Rounding,
            Scale = arguments.GetValue(_scale) ?? recipe.Scale,
            PreserveNorm = arguments.GetValue(_preserveNorm) is Answer answer ? answer == Answer.Yes : recipe.PreserveNorm,
        };
        bool several = grid is CodebookGridSpec || (grid is PowerGridSpec power && power.HasChoice(2));
        if (!several && arguments.GetValue(_tables) > 1)
            throw new UsageException(
                "--tables: only a power grid, and none with a given layout and exponent, is more than a single table. Leave it out.");
        return built.Problem is string problem ? throw new UsageException($"the recipe '{built.Name}' does not work: {problem}.") : built;
    }

    // The recipe's grid, or another one that takes over what both have, with the parts that the command gives.
    private GridSpec Grid(ParseResult arguments, GridSpec old, Option[] given)
    {
        GridSpec grid = arguments.GetValue(_grid) is string kind && kind != GridSpecs.KindOf(old) ? TakeOver(GridSpecs.Create(kind), old)
            : old;
        if (grid is not PowerGridSpec && given.Contains(_exponent))
            throw new UsageException("--exponent: only a power grid has an exponent. Say --grid power as well, or leave it out.");
        if (grid is not MinifloatGridSpec && given.Contains(_exponentBits))
            throw new UsageException(
                "--exponent-bits: only a minifloat has bits of exponent. Say --grid minifloat as well, or leave it out.");
        if (arguments.GetValue(_layout) is [_, ..] layouts)
            grid = grid with { Layouts = layouts };
        if (grid is ScalarGridSpec scalar && arguments.GetValue(_scope) is GridScope scope)
            grid = scalar with { Scope = scope };
        return grid switch
        {
            PowerGridSpec power => power with { Exponent = arguments.GetValue(_exponent)
                ?? power.Exponent, Tables = arguments.GetValue(_tables) ?? power.Tables },
            CodebookGridSpec codebook => codebook with { Tables = arguments.GetValue(_tables) ?? codebook.Tables },
            MinifloatGridSpec minifloat when arguments.GetValue(_exponentBits) is [_, ..] bits =>
                minifloat with { ExponentBits = bits, Formats = [] },
            _ => grid,
        };
    }

    private static GridSpec TakeOver(GridSpec grid, GridSpec old)
    {
        if (grid is ScalarGridSpec scalar && old is ScalarGridSpec from)
            grid = scalar with { Mirror = from.Mirror, Scope = from.Scope, Rows = from.Rows, ScaleFormat = from.ScaleFormat,
                Block = from.Block };
        int tables = old switch { PowerGridSpec power => power.Tables, CodebookGridSpec codebook => codebook.Tables, _ => 1 };
        return grid switch
        {
            PowerGridSpec power => power with { Layouts =
                [.. old.Layouts.Select(layout => layout == LevelLayout.Asymmetric ? LevelLayout.Offset : layout).Distinct()],
                Tables = tables },
            UniformGridSpec uniform => uniform with {
                Layouts = [.. old.Layouts.Select(layout => layout == LevelLayout.Offset ? LevelLayout.Full : layout).Distinct()] },
            CodebookGridSpec codebook => codebook with { Tables = tables },
            MinifloatGridSpec minifloat => minifloat with { ExponentBits = [1, 2, 3] },
            _ => grid,
        };
    }

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
        bool path = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || name.Contains('/')
            || name.Contains(Path.DirectorySeparatorChar);
        if (!path)
            return Listed(name);
        if (!File.Exists(name))
            throw new InvalidFileException(name, FileRules.FileMissing, "the file does not exist",
                "Check the path, or name a recipe that 'vernier recipes' lists");
        try
        {
            using FileStream stream = File.OpenRead(name);
            return Recipe.Parse(stream);
        }
        catch (JsonException e)
        {
            throw new InvalidFileException(name, "recipe-invalid", $"the file is no recipe: {e.Message.TrimEnd('.')}",
                "Begin with one that 'vernier recipes NAME' prints", innerException: e);
        }
    }
}
