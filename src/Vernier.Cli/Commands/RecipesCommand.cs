using System.CommandLine;
using System.Text.Json.Nodes;
using Vernier.Cli.Terminal;
using Vernier.Quantization.Recipes;

namespace Vernier.Cli.Commands;

/// <summary>vernier recipes: what recipes there are, or one of them as a file.</summary>
internal static class RecipesCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandConsole console)
    {
        var name = new Argument<string?>("NAME") {
            Description = "Print this recipe as JSON, every part spelled out.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = Choose.Json();
        var command = new Command("recipes", "List the recipes: what each does, its paper and what it needs.") { name, json };
        command.SetAction(arguments =>
        {
            if (arguments.GetValue(name) is string wanted)
                JsonOutput.Write(console, JsonNode.Parse(RecipeArguments.Listed(wanted).ToJson()));
            else if (arguments.GetValue(json))
                JsonOutput.Write(console, new RecipeList([.. RecipeCatalogue.All.Select(RecipeSummary.Of)]));
            else
                Show(console.Output);
            return ErrorBoundary.Success;
        });
        return command;
    }

    private static void Show(TextWriter writer)
    {
        foreach (RecipeSummary recipe in RecipeCatalogue.All.Select(RecipeSummary.Of))
        {
            writer.WriteLine(recipe.Default ? $"{recipe.Recipe} (default)" : recipe.Recipe);
            writer.WriteLine($"  {recipe.Summary}");
            writer.WriteLine($"  paper  {recipe.Paper}");
            writer.WriteLine($"  needs  {recipe.Needs}");
            if (recipe.Ours.Length > 0)
                writer.WriteLine($"  ours   {recipe.Ours}");
            writer.WriteLine();
        }
        writer.WriteLine("'vernier recipes NAME' prints one as JSON: a file to begin your own with, for --recipe FILE.");
    }

    private sealed record RecipeList(IReadOnlyList<RecipeSummary> Recipes);

    private sealed record RecipeSummary(string Recipe, bool Default, string Summary, string Paper, string Needs, string Ours)
    {
        public static RecipeSummary Of(Recipe recipe) =>
            new(recipe.Name, recipe.Name == RecipeCatalogue.Default, recipe.Summary, recipe.Paper, recipe.Needs, recipe.Ours);
    }
}
