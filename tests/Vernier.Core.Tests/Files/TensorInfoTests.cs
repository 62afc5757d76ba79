using Vernier.Files;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Files;

public class TensorInfoTests
{
    [Fact]
    public void TensorsAreTheSameWhereNameTypeAndDimensionsAre()
    {
        var tensor = new TensorInfo("w", ElementType.F16, [2, 3]);
        Assert.Equal(tensor, new TensorInfo("w", ElementType.F16, new List<long> { 2, 3 }));
        Assert.Equal(tensor.GetHashCode(), new TensorInfo("w", ElementType.F16, new List<long> { 2, 3 }).GetHashCode());
        Assert.NotEqual(tensor, tensor with { Shape = [3, 2] });
        Assert.NotEqual(tensor, tensor with { Shape = [2, 3, 1] });
        Assert.NotEqual(tensor, tensor with { Type = ElementType.F32 });
        Assert.NotEqual(tensor, tensor with { Name = "v" });
        Assert.Equal((6, 12), (tensor.Count, tensor.Bytes));
    }

    [Fact]
    public void TensorsOfGgufFilesAreToo()
    {
        var tensor = new GgufTensor("w", GgufTensorType.F16, [2, 3]);
        Assert.Equal(tensor, new GgufTensor("w", GgufTensorType.F16, new List<long> { 2, 3 }));
        Assert.NotEqual(tensor, tensor with { Shape = [3, 2] });
        Assert.NotEqual(tensor, tensor with { Type = GgufTensorType.BF16 });
    }
}
