using Vernier.Quantization.Networks;

namespace Vernier.Tests.Networks;

public class ActivationStoreTests
{
    [Fact]
    public void ActivationsComeBackAsTheyWere()
    {
        using var folder = new TempFolder();
        int[] lengths = [5, 1000, 0, 17];
        float[][] batches = Array.ConvertAll(lengths, length => TinyModel.Gaussian(length, length));
        batches[0][2] = float.NaN;
        batches[1][999] = BitConverter.UInt32BitsToSingle(1);
        foreach (string? file in (string?[])[null, folder["activations"]])
        {
            using (var store = new ActivationStore(lengths, file))
            {
                foreach (int batch in (int[])[3, 0, 1, 2, 0])
                    store.Write(batch, batches[batch]);
                Assert.Equal(file is not null, File.Exists(folder["activations"]));
                var buffer = new float[1000];
                foreach (int batch in (int[])[1, 0, 2, 3])
                {
                    store.Read(batch, buffer);
                    Assert.Equal(batches[batch].Select(BitConverter.SingleToUInt32Bits),
                        buffer.Take(lengths[batch]).Select(BitConverter.SingleToUInt32Bits));
                }
            }
            Assert.False(File.Exists(folder["activations"]));
        }
    }
}
