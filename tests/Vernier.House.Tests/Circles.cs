using System.Text;

namespace Vernier.Tests;

/// <summary>Finds folders that use each other, directly or by way of others.</summary>
internal static class Circles
{
    private const int MostNames = 12;

    /// <summary>The sets of folders of which each reaches each other: the strongly connected components of more than one.</summary>
    public static IReadOnlyList<string[]> Of(IEnumerable<FolderUse> uses)
    {
        Dictionary<string, string[]> next = uses.GroupBy(use => use.From)
            .ToDictionary(x => x.Key, x => x.Select(use => use.To).Distinct().ToArray());
        Dictionary<string, HashSet<string>> reached = next.Keys.ToDictionary(folder => folder, folder => Reach(next, folder));
        return
        [
            .. next.Keys.Where(folder => reached[folder].Contains(folder))
                .Select(folder => reached[folder].Where(x => reached.GetValueOrDefault(x, []).Contains(folder)))
                .Select(circle => circle.Order(StringComparer.Ordinal).ToArray())
                .DistinctBy(circle => string.Join(' ', circle))
                .OrderBy(circle => circle[0], StringComparer.Ordinal),
        ];
    }

    /// <summary>A circle in words: its folders, and the names by which each uses another.</summary>
    public static string Describe(string[] circle, IReadOnlyCollection<FolderUse> uses)
    {
        var text = new StringBuilder().AppendLine($"circle: {string.Join(", ", circle)}");
        foreach (var pair in uses.Where(use => circle.Contains(use.From) && circle.Contains(use.To)).GroupBy(use => (use.From, use.To)))
        {
            string[] names =
            [
                .. pair.GroupBy(use => use.Type).OrderBy(type => type.Key, StringComparer.Ordinal)
                    .Select(type => $"{type.Key} ({string.Join(", ", type.Select(use => use.File).Order(StringComparer.Ordinal))})"),
            ];
            string more = names.Length > MostNames ? $" and {names.Length - MostNames} more" : "";
            text.AppendLine($"  {pair.Key.From} -> {pair.Key.To}: {string.Join(", ", names.Take(MostNames))}{more}");
        }
        return text.ToString();
    }

    private static HashSet<string> Reach(Dictionary<string, string[]> next, string from)
    {
        var reached = new HashSet<string>();
        var open = new Stack<string>([from]);
        while (open.TryPop(out string? folder))
        {
            foreach (string other in next.GetValueOrDefault(folder, []))
            {
                if (reached.Add(other))
                    open.Push(other);
            }
        }
        return reached;
    }
}
