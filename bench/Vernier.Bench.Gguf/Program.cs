using System.Globalization;
using System.Text;
using Vernier.Bench;
using Vernier.Bench.Gguf;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

// MODEL WORK --calibration TEXT --text TEXT [--llama-cpp DIR] [--types Q2_K,...] [--windows 64] [--sequences 128] [--threads 2]
// Makes files of MODEL, and of a wider model that computes the same, by llama-quantize, by ggml with an importance matrix and by Vernier, evaluates all of them by
// llama.cpp and prints a page of Markdown. WORK receives the files.
if (args.Length < 2)
{
    Console.Error.WriteLine("MODEL WORK --calibration TEXT --text TEXT [--llama-cpp DIR] [--types Q2_K,...] [--windows 64] [--sequences 128] [--threads 2]");
    return 2;
}
string Option(string name, string fallback) => Array.IndexOf(args, "--" + name) is int i and > 0 && i + 1 < args.Length ? args[i + 1] : fallback;
string peer = Option("llama-cpp", Environment.GetEnvironmentVariable("VERNIER_LLAMA_CPP") ?? ""), work = args[1];
int threads = int.Parse(Option("threads", "2"), CultureInfo.InvariantCulture), windows = int.Parse(Option("windows", "64"), CultureInfo.InvariantCulture), sequences = int.Parse(Option("sequences", "128"), CultureInfo.InvariantCulture);
using var workers = new Workers(threads);
Directory.CreateDirectory(work);
string wider = Path.Combine(work, "wider");
WiderModel.Write(args[0], wider);
var library = new LlamaCpp(peer);
var ggml = new Ggml(peer);
var page = new StringBuilder();
page.Append("# GGUF files\n\nWritten by `Vernier.Bench.Gguf`. All files were evaluated by llama.cpp, on the same windows; KL divergence is from the file in single precision. ");
page.Append(CultureInfo.InvariantCulture, $"{windows} windows of 256 tokens of {Path.GetFileName(Option("text", ""))}; calibrated on {sequences} sequences of 256 tokens of {Path.GetFileName(Option("calibration", ""))}, the same for the importance matrix. ");
page.Append("`plain` is llama_model_quantize; `imatrix` the same types by ggml_quantize_chunk with the importance matrix; `search` Vernier without data; `solved` Vernier with the text. ");
page.Append("The last columns are the KL divergence of Vernier's file relative to the better of llama.cpp's two, and the seconds that Vernier took. Where two types are named, the second is that of the file with data: llama-quantize's rules for an importance matrix differ.\n");
foreach ((string folder, string title) in ((string, string)[])[(args[0], Path.GetFileName(Path.TrimEndingDirectorySeparator(args[0]))), (wider, "a wider model that computes the same, untied")])
    Measure(folder, title);
Console.Out.Write(page);
return 0;

void Measure(string folder, string title)
{
    using var model = Model.Open(folder);
    var config = (TransformerConfig)model.Configuration;
    Vernier.Files.Tokenizers.Tokenizer tokenizer = model.Tokenizer;
    int? begin = tokenizer.Encode("", addSpecialTokens: true) is [int first, ..] ? first : null;
    CalibrationSet calibration = CalibrationSet.Cut(tokenizer.Encode(File.ReadAllText(Option("calibration", ""))), sequences, 256, begin, "text");
    IReadOnlyList<EvaluationWindow> text = EvaluationWindows.Cut(tokenizer.Encode(File.ReadAllText(Option("text", ""))), 256, 256, begin, windows);
    var evaluation = new PeerEvaluation(library, text, config.VocabularySize, threads);
    Dictionary<string, float[]> importance = Importance.Of(model, calibration, workers);
    string full = Path.Combine(work, "full.gguf"), file = Path.Combine(work, "file.gguf");
    GgufExport.Write(model, full, GgufMix.All.Single(mix => mix.Name == "F32"), workers: workers);
    PeerScore reference = evaluation.SetReference(full);
    page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n{config.HiddenSize} wide, {config.IntermediateSize} in the feed-forward, {config.LayerCount} blocks; perplexity {reference.Perplexity:0.000} in single precision.\n\n");
    page.Append("| type | bytes | perplexity: plain | imatrix | search | solved | KL: plain | imatrix | search | solved | solved relative | seconds |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    foreach (string name in Option("types", "Q2_K,Q3_K_S,Q3_K_M,IQ4_XS,IQ4_NL,Q4_0,Q4_1,Q4_K_S,Q4_K_M,Q5_0,Q5_K_M,Q6_K,Q8_0").Split(','))
    {
        if (!GgufMix.TryGet(name, out GgufMix? mix))
            throw new ArgumentException($"there is no type '{name}'");
        library.Quantize(full, file, mix.FileType, threads);
        long bytes = new FileInfo(file).Length;
        PeerScore plain = evaluation.Evaluate(file);
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(model, mix, null, importance: true);
        WriteImportant(model, file, mix, types, importance);
        long importantBytes = new FileInfo(file).Length;
        PeerScore important = evaluation.Evaluate(file);
        (PeerScore search, long searchBytes, _) = Ours(model, mix, "gguf-datafree", null, file, evaluation, false);
        (PeerScore solved, long solvedBytes, double seconds) = Ours(model, mix, "gguf", calibration, file, evaluation, true);
        // Headers name the file and its maker: a few bytes more or less.
        if (Math.Abs(bytes - searchBytes) > 4096 || Math.Abs(importantBytes - solvedBytes) > 4096)
            throw new InvalidOperationException($"{name}: the sizes differ: {bytes} and {searchBytes}, with data {importantBytes} and {solvedBytes}");
        page.Append(CultureInfo.InvariantCulture, $"| {name} | {searchBytes:#,##0}{(searchBytes == solvedBytes ? "" : $" and {solvedBytes:#,##0}")} | {plain.Perplexity:0.000} | {important.Perplexity:0.000} | {search.Perplexity:0.000} | {solved.Perplexity:0.000} | {plain.Divergence:0.00000} | {important.Divergence:0.00000} | {search.Divergence:0.00000} | {solved.Divergence:0.00000} | {solved.Divergence / Math.Min(plain.Divergence, important.Divergence):0.00} | {seconds:0.0} |\n");
        Console.Error.WriteLine($"{title}, {name}: {plain.Divergence:0.00000} {important.Divergence:0.00000} {search.Divergence:0.00000} {solved.Divergence:0.00000} {bytes} {importantBytes} {searchBytes} {solvedBytes}");
    }
}

void WriteImportant(Model model, string file, GgufMix mix, IReadOnlyDictionary<string, GgufTensorType> types, Dictionary<string, float[]> importance)
{
    using var writer = new GgufModelWriter(GgufPlan.Of(model, mix.FileType, tensor => types[tensor.Name]), file, workers: workers);
    foreach (TensorInfo tensor in model.Checkpoint.Tensors.Where(tensor => types.ContainsKey(tensor.Name)))
    {
        if (types[tensor.Name].Format is not BlockFormat format)
        {
            writer.Copy(model.Checkpoint, tensor);
            continue;
        }
        var weights = new float[(int)tensor.Shape[1]];
        writer.WriteRows(tensor.Name, (row, bytes) =>
        {
            model.Checkpoint.Read(tensor, row * weights.Length, weights);
            ggml.Quantize(format.TypeId, weights, weights.Length, importance.GetValueOrDefault(tensor.Name, []), bytes);
        });
    }
    writer.Complete();
}

(PeerScore Score, long Bytes, double Seconds) Ours(Model model, GgufMix mix, string recipe, CalibrationSet? calibration, string file, PeerEvaluation evaluation, bool important)
{
    long start = System.Diagnostics.Stopwatch.GetTimestamp();
    var types = new GgufTypes(mix, importance: important);
    var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Allocator = new BlockFormatAllocator(types.FormatsOf(model)) };
    new Quantizer(QuantizationPlan.Create(model, options, workers)).Run(file, new RunOptions { Calibration = calibration, Gguf = types, Replace = true });
    double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
    return (evaluation.Evaluate(file), new FileInfo(file).Length, seconds);
}
