using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Ggml;

namespace Vernier.Tests.Models;

/// <summary>Both writers, with matrices in blocks that were quantized in any order.</summary>
public sealed class ModelWriterTests : IDisposable
{
    private readonly TempFolder _work = new();
    private readonly Model _source = Model.Open(SharedData.Quill);
    private readonly Dictionary<string, BlockMatrix> _blocks;
    private readonly GgufMix _mix;

    public ModelWriterTests()
    {
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? mix));
        _mix = mix;
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(_source, mix);
        _blocks = _source.Checkpoint.Tensors.Where(tensor => types[tensor.Name].Format is not null)
            .ToDictionary(tensor => tensor.Name, tensor => Encode(tensor, types[tensor.Name].Format!), StringComparer.Ordinal);
    }

    public void Dispose()
    {
        _source.Dispose();
        _work.Dispose();
    }

    [Fact]
    public void AGgufFileOfQuantizedMatricesIsThatOfTheExport()
    {
        GgufExport.Write(_source, _work["expected.gguf"], _mix);
        using (var writer = new GgufModelWriter(Plan(), _work["actual.gguf"]))
        {
            WriteAll(writer);
            Assert.False(File.Exists(_work["actual.gguf"]));
            foreach ((string name, BlockMatrix matrix) in _blocks)
                AssertSame(matrix, writer.Read(name));
            writer.Complete();
            Assert.Equal(new FileInfo(_work["actual.gguf"]).Length, writer.Bytes);
        }
        Assert.Equal(Plan().Bytes, new FileInfo(_work["actual.gguf"]).Length);
        Assert.Equal(File.ReadAllBytes(_work["expected.gguf"]), File.ReadAllBytes(_work["actual.gguf"]));
        Assert.False(File.Exists(_work["actual.gguf.partial"]));
    }

    [Fact]
    public void AFolderOfQuantizedMatricesIsAModel()
    {
        string folder = Directory.CreateDirectory(_work["folder"]).FullName;
        var layouts = _blocks.ToDictionary(pair => pair.Key, pair => pair.Value.Layout, StringComparer.Ordinal);
        var config = System.Text.Json.Nodes.JsonObject.Create(_source.Config)!;
        config["quantization_config"] = new QuantizationConfig("test", layouts).ToJson();
        var content = new FolderContent(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), _source.Companions, layouts);
        using (var writer = new FolderWriter(folder, [.. _source.Checkpoint.Tensors], content))
        {
            WriteAll(writer);
            foreach ((string name, BlockMatrix matrix) in _blocks)
                AssertSame(matrix, writer.Read(name));
            writer.Complete();
            using var written = Model.Open(folder);
            Assert.Equal(written.Bytes, writer.Bytes);
        }
        GgufExport.Write(_source, _work["same.gguf"], _mix);
        Assert.Equal(Logits(_work["same.gguf"]), Logits(folder));
    }

    [Fact]
    public void AnUnfinishedFileIsContinuedWhereItIsKept()
    {
        using (var first = new GgufModelWriter(Plan(), _work["x.gguf"], keep: true))
        {
            foreach ((string name, BlockMatrix matrix) in _blocks.Take(5))
                first.Write(name, matrix);
            first.Flush();
        }
        Assert.True(File.Exists(_work["x.gguf.partial"]));
        using (var second = new GgufModelWriter(Plan(), _work["x.gguf"], keep: true))
        {
            foreach ((string name, BlockMatrix matrix) in _blocks.Take(5))
                AssertSame(matrix, second.Read(name));
        }
        using (new GgufModelWriter(Plan(), _work["x.gguf"]))
            Assert.True(File.Exists(_work["x.gguf.partial"]));
        Assert.False(File.Exists(_work["x.gguf.partial"]));
    }

    [Fact]
    public void AMatrixOfAnotherLayoutIsRefused()
    {
        (string name, BlockMatrix matrix) = _blocks.First(pair => pair.Key.Contains("up_proj", StringComparison.Ordinal));
        GgufTensorType other = GgufTensorType.TryGet("Q5_0", out GgufTensorType? type) ? type : throw new InvalidOperationException();
        using var writer = new GgufModelWriter(GgufPlan.Of(_source, 8, _ => other), _work["x.gguf"]);
        Assert.Contains("Q5_0", Assert.Throws<ArgumentException>(() => writer.Write(name, matrix)).Message, StringComparison.Ordinal);
        Refusal.Of<ArgumentException>("is no matrix in blocks", () => writer.Read("model.norm.weight"));
        string folder = Directory.CreateDirectory(_work["folder"]).FullName;
        var content = new FolderContent("{}"u8.ToArray(), [], new Dictionary<string, PackedLayout>(StringComparer.Ordinal));
        using var plain = new FolderWriter(folder, [.. _source.Checkpoint.Tensors], content);
        Assert.Contains("left as it is", Assert.Throws<ArgumentException>(() => plain.Write(name, matrix)).Message,
            StringComparison.Ordinal);
    }

    private GgufPlan Plan()
    {
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(_source, _mix);
        return GgufPlan.Of(_source, _mix.FileType, tensor => types[tensor.Name]);
    }

    // Backwards, to show that the order makes no difference.
    private void WriteAll(ModelWriter writer)
    {
        foreach (TensorInfo tensor in _source.Checkpoint.Tensors.Reverse())
        {
            if (_blocks.TryGetValue(tensor.Name, out BlockMatrix? matrix))
                writer.Write(tensor.Name, matrix);
            else
                writer.Copy(_source.Checkpoint, tensor);
        }
    }

    private BlockMatrix Encode(TensorInfo tensor, BlockFormat format)
    {
        var layout = new BlockLayout((int)tensor.Shape[0], (int)tensor.Shape[1], format);
        var numbers = new float[tensor.Count];
        _source.Checkpoint.Read(tensor, 0, numbers);
        var bytes = new byte[layout.Rows * layout.BytesPerRow];
        format.EncodeRows(numbers, layout.Columns, [], bytes, Workers.Shared);
        return new BlockMatrix(layout, bytes);
    }

    private static void AssertSame(BlockMatrix expected, PackedMatrix actual)
    {
        Assert.Equal(expected.Layout, actual.Layout);
        Assert.Equal(expected.ArrayBytes().Single().ToArray(), actual.ArrayBytes().Single().ToArray());
    }

    private static float[] Logits(string model) =>
        LanguageModel.Load(model).CreateSession().Forward([new Segment(new[] { 4094, 17, 301, 5 })], LogitRows.All).ToArray();
}
