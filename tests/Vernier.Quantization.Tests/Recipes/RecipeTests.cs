using System.Text;
using System.Text.Json;
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
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"]},"typo":1}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"cubic","layouts":["full"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":[3]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":[]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"],"tables":3}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"],"rows":0}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"],"exponent":3}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["asymmetric"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"uniform","layouts":["offset"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"uniform","layouts":["asymmetric","full"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"],"dimension":3}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"],"dimension":2,"rank":0.5}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"],"rank":0}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"],"block_columns":8}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"],"tables":2}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["symmetric"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"],"dimension":2}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook","layouts":["offset"]}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook","layouts":["full"],"exponent":0.5}}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"]},"solver":[{"method":"adaround"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"]},"solver":[{"method":"gptq"},{"method":"nupes"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"vector","layouts":["full"]},"solver":[{"method":"gptq","order":"activation","groups":"static"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"power","layouts":["full"]},"solver":[{"method":"gptq"},{"method":"codebooks"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"uniform","layouts":["full"]},"solver":[{"method":"gptq"},{"method":"jlcm"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook","layouts":["full"]},"solver":[{"method":"gptq"},{"method":"jlcm","neighbours":1}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook","layouts":["full"]},"solver":[{"method":"codebooks"}]}""")]
    [InlineData("""{"name":"x","summary":"","paper":"","needs":"","grid":{"kind":"codebook","layouts":["full"]},"solver":[{"method":"gptq"},{"method":"nupes","learn_exponent":true}]}""")]
    public void WhatIsNoRecipeIsRefused(string json) => Assert.Throws<JsonException>(() => Parse(json));

    [Theory]
    [InlineData(2, 8)]
    [InlineData(4, 8)]
    [InlineData(5, 4)]
    [InlineData(6, 2)]
    [InlineData(8, 1)]
    public void LargeTablesAreFewer(int bits, int tables) =>
        Assert.Equal(tables, RecipeCatalogue.Find("nupes-datafree").Grid.TablesFor(bits));

    private static Recipe Parse(string json) => Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(json)));
}
