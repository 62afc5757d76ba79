using System.Text;
using System.Text.Json;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests;

/// <summary>vernier recipes.</summary>
public class RecipesTests
{
    [Fact]
    public void All_are_listed_with_their_papers()
    {
        string output = CommandRun.Succeeding("recipes").Output;
        foreach (Recipe recipe in RecipeCatalogue.All)
        {
            string title = recipe.Name == RecipeCatalogue.Default ? recipe.Name + " (default)" : recipe.Name;
            Assert.Contains($"{title}\n  {recipe.Summary}\n  paper  {recipe.Paper}\n  needs  "
                + $"{recipe.Needs}\n{(recipe.Ours.Length > 0 ? $"  ours   {recipe.Ours}\n" : "")}\n", output, StringComparison.Ordinal);
        }
        Assert.EndsWith("'vernier recipes NAME' prints one as JSON: a file to begin your own with, for --recipe FILE.\n", output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_is_printed_as_it_is_read()
    {
        foreach (Recipe recipe in RecipeCatalogue.All)
        {
            using var stream = new MemoryStream(Encoding.UTF8.GetBytes(CommandRun.Succeeding("recipes", recipe.Name).Output));
            Assert.Equal(recipe.ToJson(), Recipe.Parse(stream).ToJson());
        }
    }

    [Fact]
    public void The_list_for_programs_has_the_names_and_types_that_are_promised()
    {
        JsonElement list = CommandRun.Json("recipes").GetProperty("recipes");
        Assert.Equal(RecipeCatalogue.All.Count, list.GetArrayLength());
        JsonSchema.Check(list[0],
            $"recipe:string default:{(RecipeCatalogue.All[0].Name == RecipeCatalogue.Default ? "true" : "false")} summary:string "
            + $"paper:string needs:string ours:string");
    }
}
