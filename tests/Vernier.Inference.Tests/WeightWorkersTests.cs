using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Tests;

/// <summary>Weights are made ready by the threads that are given, and by no others.</summary>
public sealed class WeightWorkersTests : IDisposable
{
    private readonly Workers _ended = new(2);

    public WeightWorkersTests() => _ended.Dispose();

    public void Dispose() => _ended.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void APackedFolderIsLoadedByThem(bool tied)
    {
        using var folder = new PackedFolder(outliers: 0, tied: tied);
        Ended(() => LanguageModel.Load(folder.Path, workers: _ended));
        using var model = Model.Open(folder.Path);
        const string Name = "model.embed_tokens.weight";
        IWeightSource weights = model.Weights(workers: _ended);
        Ended(() => weights.Linear(Name, null, 80, 64));
        Ended(() => weights.Tied(Name, 80, 64));
        // Float products need nothing to be made ready.
        Assert.Equal(80, LanguageModel.Load(folder.Path, PackedArithmetic.Float, _ended).Head.Outputs);
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q8_0")]
    public void AFileInBlocksIsLoadedByThem(string name)
    {
        using var work = new TempFolder();
        Assert.True(GgufMix.TryGet(name, out GgufMix? mix));
        GgufExport.Write(SharedData.Quill, work["x.gguf"], mix);
        Ended(() => LanguageModel.Load(work["x.gguf"], workers: _ended));
        using var model = Model.Open(work["x.gguf"]);
        IWeightSource weights = model.Weights(workers: _ended);
        int rows = model.Configuration.VocabularySize, columns = model.Configuration.HiddenSize;
        Ended(() => weights.Linear("model.embed_tokens.weight", null, rows, columns));
        Ended(() => model.Weights(workers: _ended).Tied("model.embed_tokens.weight", rows, columns));
    }

    [Fact]
    public void AMatrixInMemoryIsMadeReadyByThem()
    {
        using var folder = new PackedFolder(outliers: 0);
        using var model = Model.Open(folder.Path);
        PackedLayout layout = model.Quantization!.Tensors["lm_head.weight"];
        PackedMatrix matrix = PackedMatrixReader.Read(model.Checkpoint, "lm_head.weight", layout);
        Ended(() => _ = new PackedLinear(matrix, workers: _ended));
        Assert.Equal("float", new PackedLinear(matrix, null, PackedArithmetic.Float, _ended).Kernel);
        Assert.Equal("l-mul", new PackedLinear(matrix, null, PackedArithmetic.LMul, _ended).Kernel);
        Refusal.Of<ArgumentException>("79 biases for 80 outputs", () => new PackedLinear(matrix, new float[79]));
        Refusal.Of<ArgumentNullException>("weight", () => new PackedLinear(null!));
    }

    private static void Ended(Action load) => Refusal.Of<ObjectDisposedException>("Vernier.Numerics.Workers", load);
}
