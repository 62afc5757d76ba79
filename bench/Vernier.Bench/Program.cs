using System.Text.Json;
using Vernier.Bench;
using Vernier.Numerics;

// bench FOLDER [--llama-cpp DIR] [--threads 2] [--pairs 5] [--cases generate,prompt,load|layouts] [--models 4-uniform,...] [--clock wall|processor]
// Measures ours and the peer in turn and prints one line of JSON a case. FOLDER receives the models, some 10 GB.
// bench page RESULTS... writes what the runners printed into those files as a page of Markdown.
// The peer's folder can also be given by VERNIER_LLAMA_CPP; without it, only ours is measured.
if (args.Length == 0)
{
    Console.Error.WriteLine("bench FOLDER [--llama-cpp DIR] [--threads N] [--pairs N] [--cases generate,prompt,load|layouts] [--models NAME,...] [--clock wall|processor]");
    return 2;
}
if (args[0] == "page")
{
    Console.Out.Write(ResultsPage.Of(args.Skip(1)));
    return 0;
}
string Option(string name, string fallback) => Array.IndexOf(args, "--" + name) is int i and > 0 && i + 1 < args.Length ? args[i + 1] : fallback;
string peer = Option("llama-cpp", Environment.GetEnvironmentVariable("VERNIER_LLAMA_CPP") ?? "");
int threads = int.Parse(Option("threads", "2")), pairs = int.Parse(Option("pairs", "5"));
using var workers = new Workers(threads);
if (Option("first-token", "") is { Length: > 0 } engine)
{
    FirstToken.Measure(engine, args[0], peer, workers);
    return 0;
}
Directory.CreateDirectory(args[0]);
var runner = new ModelRunner(args[0], LlamaShape.Default, peer, workers, pairs, Option("clock", "wall") == "processor");
string[] cases = Option("cases", "generate,prompt,load").Split(','), names = Option("models", string.Join(',', ModelRunner.Kinds.Select(kind => kind.Name))).Split(',');
Console.WriteLine(JsonSerializer.Serialize(new { shape = LlamaShape.Default.ToString(), kernel = Vernier.Kernels.KernelRegistry.Best.Name, threads, processor = Environment.ProcessorCount }));
if (cases.Contains("layouts"))
{
    runner.RunLayouts(args.Contains("--models") ? names : []);
    return 0;
}
foreach (ModelKind kind in ModelRunner.Kinds.Where(kind => names.Contains(kind.Name)))
    runner.Run(kind, cases);
return 0;
