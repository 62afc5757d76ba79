using Vernier.Bench;
using Vernier.Numerics;

// Usage: Vernier.Bench.Float [filter] [--threads N] [--pairs N]
// Prints one JSON line for each case whose name contains the filter.
string filter = args.FirstOrDefault(x => !x.StartsWith('-') && !int.TryParse(x, out _)) ?? "";
int threads = Option("--threads", 2), pairs = Option("--pairs", 7);
using var workers = new Workers(threads);
bool peer = OpenBlas.TryLoad(threads);
Console.Error.WriteLine(peer ? OpenBlas.Description() : "OpenBLAS not found: set VERNIER_OPENBLAS to its file; measuring ours alone.");
foreach (FloatCase item in FloatCases.All.Where(x => x.Name.Contains(filter, StringComparison.Ordinal)))
{
    (Action ours, Action theirs) = item.Prepare(workers);
    PairedRun.Measure(item.Name, item.Operations, ours, peer ? theirs : null, pairs);
}
return 0;

int Option(string name, int fallback)
{
    int at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length && int.TryParse(args[at + 1], out int value) ? value : fallback;
}
