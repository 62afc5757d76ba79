using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Models;

/// <summary>A model in several GGUF files is the model in one.</summary>
public sealed class SplitModelTests : IDisposable
{
    private readonly TempFolder _work = new();
    private readonly string[] _parts;

    public SplitModelTests()
    {
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? mix));
        GgufExport.Write(SharedData.Quill, _work["quill.gguf"], mix);
        using GgufFile file = GgufFile.Open(_work["quill.gguf"]);
        Directory.CreateDirectory(_work["parts"]);
        // The first has no tensors, as with --no-tensor-first-split.
        _parts = SplitGguf.Write(_work["quill.gguf"], Path.Combine(_work["parts"], "quill"), 0, 11, 1, file.Tensors.Count - 12);
    }

    public void Dispose() => _work.Dispose();

    [Fact]
    public void ItHasTheTensorsTheFilesAndTheSizeOfAllParts()
    {
        using var whole = Model.Open(_work["quill.gguf"]);
        foreach (string part in _parts)
        {
            using var model = Model.Open(part);
            Assert.Equal(("quill", part, _parts[0]), (model.Name, model.Path, model.ConfigPath));
            Assert.Equal(_parts, model.Files);
            Assert.Equal(_parts.Sum(path => new FileInfo(path).Length), model.Bytes);
            Assert.Equal(whole.Checkpoint.Tensors, model.Checkpoint.Tensors);
            Assert.Equal(whole.Configuration.Identity, model.Configuration.Identity);
            Assert.All(whole.Checkpoint.Tensors, tensor => Assert.Equal(whole.Stored(tensor), model.Stored(tensor)));
            TensorInfo last = model.Checkpoint.Tensors.Last();
            Assert.Equal(_parts[3], model.Checkpoint.FileOf(last));
        }
    }

    [Theory]
    [InlineData(PackedArithmetic.Integer)]
    [InlineData(PackedArithmetic.Float)]
    public void ItComputesTheSame(PackedArithmetic arithmetic) =>
        Assert.Equal(Logits(_work["quill.gguf"], arithmetic), Logits(_parts[2], arithmetic));

    [Fact]
    public void ItIsExportedAsTheWholeIs()
    {
        Assert.True(GgufMix.TryGet("F16", out GgufMix? mix));
        Directory.CreateDirectory(_work["out"]);
        string fromParts = Path.Combine(_work["out"], "a.gguf"), fromWhole = Path.Combine(_work["out"], "b.gguf");
        GgufExport.Write(_parts[1], fromParts, mix);
        GgufExport.Write(_work["quill.gguf"], fromWhole, mix);
        Assert.Equal(File.ReadAllBytes(fromWhole), File.ReadAllBytes(fromParts));
        string[] folders = [Directory.CreateDirectory(_work["a"]).FullName, Directory.CreateDirectory(_work["b"]).FullName];
        foreach ((string source, string folder) in ((string[])[_parts[1], _work["quill.gguf"]]).Zip(folders))
        {
            using var model = Model.Open(source);
            GgufExport.WriteFolder(model, folder);
        }
        foreach (string path in Directory.EnumerateFiles(folders[1]))
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(folders[0], Path.GetFileName(path))));
    }

    /// <summary>Folders that earlier versions made of a part have the keys in config.json.</summary>
    [Fact]
    public void KeysOfTheSplitNeverReachAResult()
    {
        string folder = QuillCopy.Write(_work["in"]), config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).TrimEnd()[..^1]
            + """, "gguf": { "split.count": { "type": "UInt16", "value": "3" }, "a.b": { "type": "UInt16", "value": "3" } } }""");
        Assert.True(GgufMix.TryGet("F16", out GgufMix? mix));
        GgufExport.Write(folder, _work["x.gguf"], mix);
        using GgufFile file = GgufFile.Open(_work["x.gguf"]);
        Assert.Contains("a.b", file.Metadata.Keys);
        Assert.DoesNotContain(file.Metadata.Keys, key => key.StartsWith("split.", StringComparison.Ordinal));
    }

    [Fact]
    public void AMissingPartIsSaid()
    {
        File.Delete(_parts[3]);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Model.Open(_parts[0]).Dispose());
        Assert.Equal(GgufSplitRules.Missing, error.Rule);
        Assert.EndsWith(": quill-00004-of-00004.gguf", error.Problem, StringComparison.Ordinal);
    }

    private static float[] Logits(string path, PackedArithmetic arithmetic) => LanguageModel.Load(path, arithmetic).CreateSession()
        .Forward([new Segment(new[] { 4094, 17, 301, 5, 88, 1024 })], LogitRows.All).ToArray();
}
