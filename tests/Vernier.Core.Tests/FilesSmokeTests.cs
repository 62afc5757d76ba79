using Vernier.Files;

namespace Vernier.Tests;

public class FilesSmokeTests
{
    [Fact]
    public void TheSampleOpens()
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        Assert.Equal("model.embed_tokens.weight", checkpoint.Tensors.Single(tensor => tensor.Shape[0] == 4096).Name);
    }
}
