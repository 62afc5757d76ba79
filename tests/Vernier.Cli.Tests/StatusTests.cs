using System.Text.Json.Nodes;

namespace Vernier.Tests;

/// <summary>
/// The exit status of each command in each situation: 0 done, 1 the work failed, 2 the command is wrong. A row is a command line, with
/// names in braces for what <see cref="Place"/> makes.
/// </summary>
public sealed class StatusTests(QuantizedQuill quantized) : IDisposable
{
    private const int Done = 0, Failed = 1, Wrong = 2;

    private readonly TempFolder _temp = new();

    public static TheoryData<int, string, string> Rows { get; } = new()
    {
        { Done, "--help", "" },
        { Done, "--version", "" },
        { Done, "quantize --help", "" },
        { Wrong, "", "" },
        { Wrong, "quantise {tiny}", "Unrecognized command" },
        { Wrong, "--verbose", "Unrecognized command" },

        { Done, "recipes", "" },
        { Done, "recipes gptq", "" },
        { Done, "recipes --json", "" },
        { Wrong, "recipes nuppes", "there is no recipe 'nuppes'" },
        { Wrong, "recipes gptq rtn", "Unrecognized command" },

        { Done, "inspect {tiny}", "" },
        { Done, "inspect {tiny} --json", "" },
        { Done, "inspect {mystery}", "" },
        { Failed, "inspect {nowhere}", "there is no such folder" },
        { Failed, "inspect {letter}", "this is a file, not a folder" },
        { Failed, "inspect {empty}", "there is no model.safetensors" },
        { Done, "inspect {broken}", "" },
        { Failed, "inspect {cut}", "model.safetensors: " },
        { Failed, "inspect {cut.gguf}", "beyond the end of the file" },
        { Wrong, "inspect", "Required argument missing" },
        { Wrong, "inspect {tiny} --match [", "--match: '['" },
        { Wrong, "inspect {tiny} --match nothing", "--match: no tensor" },
        { Wrong, "inspect {tiny} --threads 0", "--threads: '0'" },

        { Done, "quantize {tiny} -o {out} --recipe rtn --no-eval", "" },
        { Done, "quantize {tiny} -o {out} --recipe rtn --windows 1 --json", "" },
        { Done, "quantize {tiny} --dry-run", "" },
        { Done, "quantize {mystery} -o {out} --recipe rtn", "" },
        { Done, "quantize {tiny} -o {taken} --recipe rtn --no-eval --force", "" },
        { Done, "quantize {tiny} -o {out} --recipe rtn --no-eval --strict --resume", "" },
        { Failed, "quantize {nowhere} -o {out}", "there is no such folder" },
        { Failed, "quantize {broken} -o {out}", "the text is not JSON" },
        { Failed, "quantize {packed} -o {out}", "the model is quantized already" },
        { Failed, "quantize {tiny} -o {taken}", "the folder exists and is not empty" },
        { Failed, "quantize {tiny} -o {letter}", "this is a file" },
        { Failed, "quantize {tiny} -o {full} --force", "no config.json" },
        { Failed, "quantize {tiny} -o {out} --memory 1MB", "the run needs" },
        { Failed, "quantize {tiny} --dry-run --memory 1MB", "the run needs" },
        { Failed, "quantize {nan} -o {out} --no-eval", "the weight at row 2, column 3 is NaN" },
        { Failed, "quantize {silent} -o {out} --recipe gptq --strict --no-eval --calibration {text} --sequences 1 --length 2", "" },
        { Failed, "quantize {tiny} -o {out} --recipe {nowhere}.json", "the file does not exist" },
        { Failed, "quantize {tiny} -o {out} --recipe {letter.json}", "the file is no recipe" },
        { Failed, "quantize {quill} -o {out} --recipe gptq --calibration {nowhere}", "the file does not exist" },
        { Failed, "quantize {quill} -o {out} --recipe gptq --calibration {letter}", "one sequence takes" },
        { Failed, "quantize {quill} -o {out} --to gguf --imatrix {nowhere}", "the file does not exist" },
        { Failed, "quantize {quill} -o {taken.gguf} --to gguf", "the file exists" },
        { Failed, "quantize {tiny} -o {out}/a/b/c --recipe rtn --no-eval --keep .*", "no tensor is a matrix" },
        { Wrong, "quantize {tiny} -o {tiny}/out", "the output would lie in the model's folder" },
        { Wrong, "quantize {tiny} --recipe nuppes", "there is no recipe 'nuppes'" },
        { Wrong, "quantize {tiny} --bits 9", "--bits: '9'" },
        { Wrong, "quantize {tiny} --bits 4 --bits 3", "'--bits'" },
        { Wrong, "quantize {tiny} --bits 8 --recipe gptvq-4d -o {out}", "the recipe gptvq-4d" },
        { Wrong, "quantize {tiny} --group 0", "--group: '0'" },
        { Wrong, "quantize {tiny} --to onnx", "--to: 'onnx'" },
        { Wrong, "quantize {tiny} --type Q4_0", "--type, --tensor-type, --imatrix" },
        { Wrong, "quantize {tiny} --to gguf --type Q9", "--type: there is no 'Q9'" },
        { Wrong, "quantize {tiny} --grid uniform --exponent 0.5", "--exponent: only a power grid" },
        { Wrong, "quantize {tiny} --memory lots", "--memory: 'lots'" },

        { Done, "eval {tiny} --windows 1 --window 8", "" },
        { Done, "eval {packed} --against {quill} --text {text} --windows 1 --window 16 --json", "" },
        { Failed, "eval {nowhere}", "there is no such folder" },
        { Failed, "eval {mystery}", "can't be run" },
        { Failed, "eval {biased}", "the checkpoint does not have it" },
        { Failed, "eval {bert}", "can't be run" },
        { Failed, "eval {tiny} --against {nowhere}", "there is no such folder" },
        { Failed, "eval {quill} --against {tiny}", "its vocabulary has 64 tokens" },
        { Failed, "eval {quill} --text {nowhere}", "the file does not exist" },
        { Failed, "eval {quill} --text {letter}", "one window takes" },
        { Failed, "eval {tiny} --text {text}", "tokenizer" },
        { Wrong, "eval {quill} --window 4096", "--window: 4096 tokens" },
        { Wrong, "eval {tiny} --stride 3", "--stride: it cuts a text" },
        { Wrong, "eval {tiny} --arithmetic double", "--arithmetic: 'double'" },

        { Done, "compare {tiny} --recipes rtn --bits 4 --windows 1 --window 8", "" },
        { Failed, "compare {nowhere}", "there is no such folder" },
        { Failed, "compare {mystery} --recipes rtn", "can't be run" },
        { Failed, "compare {packed} --recipes rtn", "the model is quantized already" },
        { Failed, "compare {tiny} --recipes rtn --bits 4 --windows 1 --markdown {nowhere}/t.md", "there is no such folder" },
        { Failed, "compare {tiny} --recipes rtn --bits 4 --windows 1 --markdown {full}", "this is a folder" },
        { Failed, "compare {quill} --recipes gptq --calibration {nowhere}", "the file does not exist" },
        { Wrong, "compare {tiny} --recipes rtn,none", "there is no recipe 'none'" },
        { Wrong, "compare {tiny} --recipes rtn@self", "needs no text" },
        { Wrong, "compare {tiny} --bits 1", "--bits: '1'" },
        { Wrong, "compare {tiny} --recipes gptvq-4d --bits 8", "--bits: none of the recipes" },

        { Done, "run {quill} Once --max-tokens 1 --greedy", "" },
        { Failed, "run {nowhere} Once", "there is no such folder" },
        { Failed, "run {tiny} Once", "tokenizer" },
        { Failed, "run {mystery} Once", "" },
        { Wrong, "run {quill}", "Required argument missing" },
        { Wrong, "run {quill} Once --greedy --temperature 1", "--greedy and --temperature" },
        { Wrong, "run {quill} Once --top-p 0", "--top-p: '0'" },

        { Done, "export {quill} --to gguf -o {out}.gguf", "" },
        { Done, "export {packed} --to hf -o {out} --type F16", "" },
        { Failed, "export {nowhere} --to gguf -o {out}", "there is no such folder" },
        { Failed, "export {quill} --to gguf -o {taken.gguf}", "the file exists" },
        { Failed, "export {quill} --to gguf -o {full}", "this is a folder" },
        { Failed, "export {quill} --to gguf -o {letter}/out.gguf", "" },
        { Failed, "export {packed} --to hf -o {full}", "the folder exists and is not empty" },
        { Failed, "export {packed} --to hf -o {full} --force", "no config.json" },
        { Failed, "export {packed} --to hf -o {letter}", "this is a file" },
        { Failed, "export {tiny} --to gguf -o {out}.gguf", "tokenizer" },
        { Failed, "export {mystery} --to gguf -o {out}.gguf", "can't be run" },
        { Wrong, "export {quill} -o {out}", "--to: say what to write" },
        { Wrong, "export {quill} --to onnx -o {out}", "--to: 'onnx'" },
        { Wrong, "export {quill} --to gguf", "-o: name the file" },
        { Wrong, "export {quill} --to hf -o {out}", "this is a folder already" },
        { Wrong, "export {packed} --to gguf --type Q4_0 -o {out}", "a second time" },
        { Wrong, "export {taken.gguf} --to gguf -o {taken.gguf} --force", "this is the model itself" },

        { Done, "bench {tiny} --prompt 4 --generate 2 --repeats 1", "" },
        { Failed, "bench {nowhere}", "there is no such folder" },
        { Failed, "bench {mystery}", "can't be run" },
        { Wrong, "bench {tiny} --prompt 129", "--prompt, --generate: the model's context is 128" },
        { Wrong, "bench {tiny} --repeats 0", "--repeats: '0'" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Each_command_ends_with_its_status(int status, string command, string message)
    {
        string[] words = [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Filled)];
        CommandRun run = CommandRun.Of(words);
        Assert.True(run.Status == status, $"{run.Status}: {run.Error}");
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        if (status != Done && command.Length > 0)
        {
            // What a message names of the command line, a wrong command names; a fault of this program is none of the user's.
            Assert.StartsWith("error: ", run.Error[run.Error.IndexOf("error: ", StringComparison.Ordinal)..], StringComparison.Ordinal);
            Assert.DoesNotContain("fault of vernier", run.Error, StringComparison.Ordinal);
            Assert.Equal("", run.Output);
        }
    }

    public void Dispose() => _temp.Dispose();

    private string Filled(string word)
    {
        int end = word.IndexOf('}', StringComparison.Ordinal);
        return word.StartsWith('{') ? Place(word[1..end]) + word[(end + 1)..] : word;
    }

    // Only what a row asks for is made.
    private string Place(string name) => name switch
    {
        "quill" => SharedData.Quill,
        "packed" => quantized.Folder,
        "text" => quantized.Text,
        "tiny" => TinyNetwork.Write(_temp["tiny"]),
        "mystery" => TinyNetwork.Write(_temp["mystery"], "mystery"),
        "nan" => TinyNetwork.Write(_temp["nan"], bad: float.NaN),
        "silent" => Spoken(TinyNetwork.Write(_temp["silent"], silent: true)),
        "biased" => Changed("mlp_bias", true),
        "bert" => Changed("model_type", "bert"),
        "empty" => Directory.CreateDirectory(_temp["empty"]).FullName,
        "broken" => Written(TinyNetwork.Write(_temp["broken"]), "config.json", "{ \"model_type\": "),
        "cut" => Written(TinyNetwork.Write(_temp["cut"]), "model.safetensors", "0123456"),
        "cut.gguf" => Path.Combine(Written(_temp.Path, "cut.gguf", "GGUF\u0003\0\0\0\u0005\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "cut.gguf"),
        "full" => Written(Directory.CreateDirectory(_temp["full"]).FullName, "letter.txt", "dear"),
        "taken" => TinyNetwork.Write(_temp["taken"]),
        "taken.gguf" => Exported(_temp["taken.gguf"]),
        "letter" or "letter.json" => Path.Combine(Written(_temp.Path, name, "{ \"dear\": 1 }"), name),
        _ => _temp[name],
    };

    private static string Written(string folder, string name, string text)
    {
        File.WriteAllText(Path.Combine(folder, name), text);
        return folder;
    }

    private static string Exported(string path)
    {
        if (!File.Exists(path))
            CommandRun.Succeeding("export", SharedData.Quill, "--to", "gguf", "-o", path, "--type", "Q8_0");
        return path;
    }

    // A tokenizer of tokens that the tiny network has.
    private static string Spoken(string folder) => Written(folder, "tokenizer.json", """
        { "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
          "post_processor": null, "decoder": null, "model": { "type": "BPE", "dropout": null, "unk_token": "<unk>",
          "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
          "vocab": { "<unk>": 0, "e": 1 }, "merges": [] } }
        """);

    private string Changed(string member, JsonNode value)
    {
        string folder = TinyNetwork.Write(_temp["changed"]), config = Path.Combine(folder, "config.json");
        JsonNode json = JsonNode.Parse(File.ReadAllText(config))!;
        json[member] = value;
        File.WriteAllText(config, json.ToJsonString());
        return folder;
    }
}
