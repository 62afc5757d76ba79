using System.Text;
using Vernier.Grids.Specs;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Recipes;

public class RecipeTests
{
    [Fact]
    public void EveryRecipeReadsBackAsItself()
    {
        Assert.Contains(RecipeCatalogue.Default, RecipeCatalogue.All.Select(recipe => recipe.Name));
        foreach (Recipe recipe in RecipeCatalogue.All)
        {
            Recipe copy = Parse(recipe.ToJson());
            Assert.Equal(recipe.ToJson(), copy.ToJson());
            Assert.NotEmpty(recipe.Paper);
            Assert.NotEmpty(recipe.Grid.Layouts);
        }
    }

    [Fact]
    public void AnUnknownNameListsTheKnown()
    {
        string message = Assert.Throws<ArgumentException>(() => RecipeCatalogue.Find("nupe")).Message;
        Assert.All(RecipeCatalogue.All, recipe => Assert.Contains(recipe.Name, message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(2, 8)]
    [InlineData(4, 8)]
    [InlineData(5, 4)]
    [InlineData(6, 2)]
    [InlineData(8, 1)]
    public void LargeTablesAreFewer(int bits, int tables) =>
        Assert.Equal(tables, ((ScalarGridSpec)RecipeCatalogue.Find("nupes-datafree").Grid).TablesFor(bits));

    private static Recipe Parse(string json) => Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(json)));
}
