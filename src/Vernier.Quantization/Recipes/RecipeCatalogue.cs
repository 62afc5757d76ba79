using System.Reflection;

namespace Vernier.Quantization.Recipes;

/// <summary>The recipes of this library.</summary>
public static class RecipeCatalogue
{
    private static readonly Lazy<IReadOnlyList<Recipe>> s_all = new(Load);

    /// <summary>All recipes, by name.</summary>
    public static IReadOnlyList<Recipe> All => s_all.Value;

    /// <summary>The recipe that is taken where none is named.</summary>
    public const string Default = "nupes-datafree";

    /// <summary>Finds a recipe.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="ArgumentException">There is none of that name; the message lists those there are.</exception>
    public static Recipe Find(string name) =>
        All.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException($"there is no recipe '{name}'. There are: {string.Join(", ", All.Select(recipe => recipe.Name))}.");

    private static List<Recipe> Load()
    {
        Assembly assembly = typeof(RecipeCatalogue).Assembly;
        var recipes = new List<Recipe>();
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".json", StringComparison.Ordinal)))
        {
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            recipes.Add(Recipe.Parse(stream));
        }
        recipes.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return recipes;
    }
}
