using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests;

public class WeightTests
{
    [Fact]
    public void AMissingTensorIsNamed()
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == "qwen3");
        foreach (string name in spec.Tensors(1).Keys)
        {
            Dictionary<string, TinyTensor> tensors = spec.Tensors(1);
            tensors.Remove(name);
            using var folder = new TinyFolder(spec.Config(), tensors);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => LanguageModel.Load(folder.Path));
            Assert.Equal(ModelRules.TensorMissing, error.Rule);
            Assert.Equal(name, error.Tensor);
            Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AWrongShapeIsNamedWithBothShapes()
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == "llama tied, biased");
        foreach (string name in spec.Tensors(1).Keys)
        {
            Dictionary<string, TinyTensor> tensors = spec.Tensors(1);
            TinyTensor right = tensors[name];
            tensors[name] = new TinyTensor([.. right.Shape.Reverse(), 1], right.Values);
            using var folder = new TinyFolder(spec.Config(), tensors);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => LanguageModel.Load(folder.Path));
            Assert.Equal(ModelRules.TensorShape, error.Rule);
            Assert.Equal(name, error.Tensor);
            Assert.Equal(Path.Combine(folder.Path, "model.safetensors"), error.File);
            Assert.Contains($"[{string.Join(", ", right.Shape)}]", error.Problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ATiedHeadSharesTheEmbeddingsStorage()
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == "qwen2");
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(1));
        LanguageModel model = LanguageModel.Load(folder.Path);
        Assert.True(((FloatLinear)model.Head).Weight == ((FloatEmbedding)model.Embedding).Table);
    }

    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q4_K_M")]
    [InlineData("Q4_0")]
    public void ATiedHeadInBlocksSharesTheEmbeddingsStorage(string type)
    {
        using var work = new TempFolder();
        Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
        GgufExport.Write(SharedData.Quill, work["tied.gguf"], mix);
        LanguageModel integer = LanguageModel.Load(work["tied.gguf"]),
            single = LanguageModel.Load(work["tied.gguf"], PackedArithmetic.Float);
        CheckTied(integer, single);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(8, 0)]
    [InlineData(3, 40)]
    public void ATiedHeadThatIsPackedSharesTheEmbeddingsStorage(int bits, int outliers)
    {
        using var folder = new PackedFolder(outliers, bits, tied: true);
        CheckTied(LanguageModel.Load(folder.Path), LanguageModel.Load(folder.Path, PackedArithmetic.Float));
    }

    [Fact]
    public void AFloatLinearAddsItsBias()
    {
        var linear = new FloatLinear([1, 2, 3, 4, 5, 6], 3, 2, [10, 20, 30]);
        float[] y = new float[6];
        linear.Apply([1, 1, -1, 2], y, 2, Workers.Shared);
        Assert.Equal([13, 27, 41, 13, 25, 37], y);
        Refusal.Of<ArgumentException>("5 weights are not 3 x 2", () => new FloatLinear(new float[5], 3, 2));
        Refusal.Of<ArgumentException>("2 biases for 3 outputs", () => new FloatLinear(new float[6], 3, 2, new float[2]));
        Refusal.Of<ArgumentException>("5 numbers are not 3 x 2", () => new FloatEmbedding(new float[5], 3, 2));
    }

    private static void CheckTied(LanguageModel integer, LanguageModel single)
    {
        Assert.True(Assert.IsType<PackedEmbedding>(integer.Embedding).SharesWeights);
        Assert.NotEqual("float", Assert.IsType<PackedLinear>(integer.Head).Kernel);
        Assert.False(Assert.IsType<PackedEmbedding>(single.Embedding).SharesWeights);
        float[] expected = new float[single.Embedding.Width], actual = new float[expected.Length];
        for (int token = 0; token < single.Embedding.Count; token++)
        {
            single.Embedding.Lookup(token, expected);
            integer.Embedding.Lookup(token, actual);
            Assert.Equal(expected, actual);
        }
    }
}
