using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

public class EasyQuantTests
{
    [Theory]
    [InlineData(3, 4)]
    [InlineData(2.5, 3)]
    public void OutliersAreThoseBeyondSoManySigmaAndStayBitForBit(double sigma, int bits)
    {
        using var folder = new TempFolder();
        using var opened = Model.Open(SharedData.Quill);
        Recipe recipe = RecipeCatalogue.Find("easyquant") with { Outliers = new OutlierPart { Sigma = sigma } };
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = recipe, Bits = bits, Granularity = Granularity.Channel });
        new Quantizer(plan).Run(folder["out"]);
        Assert.Equal(plan.Bytes, new FileInfo(folder["out/model.safetensors"]).Length + new FileInfo(folder["out/config.json"]).Length);
        using Checkpoint written = Checkpoint.Open(folder["out"]);
        long outliers = 0, weights = 0;
        foreach (TensorPlan planned in plan.Tensors.Where(planned => planned.Role == TensorRole.Linear))
        {
            var matrix = new WeightMatrix(opened.Checkpoint, planned.Tensor);
            float[] original = new float[matrix.Rows * matrix.Columns], row = new float[matrix.Columns];
            matrix.Read(0, 0, original);
            double mean = original.Average(w => (double)w), deviation = Math.Sqrt(original.Average(w => Math.Pow(w - mean, 2)));
            PackedMatrix packed = PackedMatrixReader.Read(written, planned.Tensor.Name, planned.Layout!);
            Assert.Equal(planned.Tensor.Type, packed.Layout.OutlierType);
            for (int r = 0; r < packed.Rows; r++)
            {
                packed.DequantizeRow(r, row);
                int[] expected = [.. Enumerable.Range(0, packed.Columns)
                    .Where(c => Math.Abs(original[r * packed.Columns + c] - mean) >= sigma * deviation)];
                Assert.Equal(expected, packed.Outliers!.Columns(r).ToArray());
                Assert.All(expected, c => Assert.Equal(BitConverter.SingleToUInt32Bits(original[r * packed.Columns + c]),
                    BitConverter.SingleToUInt32Bits(row[c])));
            }
            outliers += packed.Layout.Outliers;
            weights += original.Length;
        }
        Assert.InRange((double)outliers / weights, 0.0005, sigma == 3 ? 0.01 : 0.02);
        LanguageModel.Load(folder["out"]).CreateSession().Forward([new Segment(new[] { 1, 2, 3 })], LogitRows.Last);
    }

    [Fact]
    public void TheDescentLowersTheErrorOfEveryMatrix()
    {
        using var folder = new TempFolder();
        using var opened = Model.Open(SharedData.Quill);
        Recipe descent = RecipeCatalogue.Find("easyquant"), largest = descent with { Scale = ScaleRule.Largest };
        IReadOnlyList<QuantizedTensorReport>[] reports = [.. ((Recipe[])[largest, descent]).Select((recipe, i) =>
            new Quantizer(QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = recipe, Granularity = Granularity.Channel, EmbeddingBits = null }))
                .Run(folder[$"{i}"]))];
        Assert.All(reports[0].Zip(reports[1]), pair => Assert.True(pair.Second.Error.SquaredError < pair.First.Error.SquaredError));
    }

    [Fact]
    public void MatricesOfEqualOrZeroWeightsHaveNoOutliersAndTheBytesDependOnNoThreads()
    {
        using var folder = new TempFolder();
        float[] spiked = TinyModel.Gaussian(70 * 101, 4);
        spiked[1234] = 50;
        TinyModel.Write(folder["m"], ("a.weight", [48, 64], new float[48 * 64]),
            ("b.weight", [48, 64], [.. Enumerable.Repeat(0.1f, 48 * 64)]), ("c.weight", [70, 101], spiked));
        using var opened = Model.Open(folder["m"]);
        byte[][] files = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            var plan = QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = RecipeCatalogue.Find("easyquant"), Granularity = Granularity.Group(50) }, workers);
            Assert.Equal([0, 0, 1], plan.Tensors.Where(planned => planned.Layout is not null).Select(planned => planned.Layout!.Outliers));
            new Quantizer(plan).Run(folder[$"{count}"]);
            return File.ReadAllBytes(folder[$"{count}/model.safetensors"]);
        })];
        Assert.Equal(files[0], files[1]);
    }

    [Fact]
    public void AWeightThatIsNoNumberIsNamedWhenOutliersAreCounted()
    {
        using var folder = new TempFolder();
        float[] bad = TinyModel.Gaussian(64, 4);
        bad[7] = float.NaN;
        TinyModel.Write(folder["m"], ("a.weight", [8, 8], bad));
        using var opened = Model.Open(folder["m"]);
        Assert.Equal("weight-not-finite", Assert.Throws<InvalidFileException>(
            () => QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find("easyquant") })).Rule);
    }
}
