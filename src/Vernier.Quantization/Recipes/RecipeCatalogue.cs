using System.Reflection;

namespace Vernier.Quantization.Recipes;

/// <summary>The recipes that there are. Another assembly can add its own.</summary>
public static class RecipeCatalogue
{
    private static readonly Lock s_gate = new();

    // Replaced as a whole, so that readers need no lock.
    private static Lazy<IReadOnlyList<Recipe>> s_all = new(Load);

    /// <summary>All recipes, by name.</summary>
    public static IReadOnlyList<Recipe> All => Volatile.Read(ref s_all).Value;

    /// <summary>The recipe that is taken where none is named.</summary>
    public const string Default = "nupes-datafree";

    /// <summary>Finds a recipe.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="ArgumentException">There is none of that name; the message lists those there are.</exception>
    public static Recipe Find(string name) =>
        All.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException($"there is no recipe '{name}'. There are: {string.Join(", ", All.Select(recipe => recipe.Name))}.");

    /// <summary>Adds a recipe.</summary>
    /// <param name="recipe">The recipe, with a name of its own.</param>
    /// <exception cref="ArgumentException">There is a recipe of that name, or its parts do not go together.</exception>
    public static void Register(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (recipe.Problem is string problem)
            throw new ArgumentException($"the recipe '{recipe.Name}' does not work: {problem}", nameof(recipe));
        lock (s_gate)
        {
            if (All.Any(known => known.Name == recipe.Name))
                throw new ArgumentException($"there is a recipe '{recipe.Name}'", nameof(recipe));
            Recipe[] all = [.. All.Append(recipe).OrderBy(known => known.Name, StringComparer.Ordinal)];
            Volatile.Write(ref s_all, new Lazy<IReadOnlyList<Recipe>>(all));
        }
    }

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
