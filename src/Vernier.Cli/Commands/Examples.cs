namespace Vernier.Cli.Commands;

/// <summary>The examples at the end of each help text. A test runs them.</summary>
internal static class Examples
{
    /// <summary>The examples of a command.</summary>
    public static IReadOnlyList<string> Of(string command) => command switch
    {
        "quantize" =>
        [
            "vernier quantize models/quill-6m",
            "vernier quantize models/quill-6m -o quill-3bit --bits 3 --group 32",
            "vernier quantize models/quill-6m --recipe rtn --grid power --scope rows --dry-run",
        ],
        "eval" =>
        [
            "vernier eval models/quill-6m --text wiki.txt",
            "vernier eval quill-3bit --against models/quill-6m",
        ],
        "compare" =>
        [
            "vernier compare models/quill-6m",
            "vernier compare models/quill-6m --recipes rtn,rtn-mirrored,nupes-datafree --bits 4,2 --text wiki.txt --markdown quality.md",
        ],
        "run" =>
        [
            "vernier run models/quill-6m \"The king said\" --max-tokens 40",
            "vernier run quill-3bit - --greedy < prompt.txt",
        ],
        "export" =>
        [
            "vernier export models/quill-6m --to gguf -o quill.gguf",
            "vernier export models/quill-6m --to gguf -o quill-q4.gguf --type Q4_K_M --tensor-type ffn_down=Q6_K",
            "vernier export quill.gguf --to hf -o quill-again",
        ],
        "bench" =>
        [
            "vernier bench quill-3bit",
            "vernier bench models/quill-6m --prompt 512 --generate 32 --repeats 3",
        ],
        "inspect" =>
        [
            "vernier inspect models/quill-6m",
            "vernier inspect quill-3bit --match down_proj",
        ],
        "recipes" =>
        [
            "vernier recipes",
            "vernier recipes nupes-datafree > mine.json",
        ],
        _ =>
        [
            "vernier quantize models/quill-6m -o quill-4bit",
            "vernier eval quill-4bit --against models/quill-6m",
            "vernier run quill-4bit \"The king said\"",
        ],
    };
}
