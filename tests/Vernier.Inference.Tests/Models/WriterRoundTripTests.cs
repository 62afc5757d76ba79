using System.Runtime.InteropServices;
using System.Text;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Packing;

namespace Vernier.Tests.Models;

/// <summary>Every tensor and every companion through both writers, and writing that stops on the way.</summary>
public sealed class WriterRoundTripTests : IDisposable
{
    private readonly TempFolder _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public void EveryTensorAndCompanionOfAFolderComesBack()
    {
        foreach (TinySpec spec in TinySpecs.All)
        {
            string source = TinyModel.Write(_work[$"{spec.Name}.in"], spec);
            string target = Directory.CreateDirectory(_work[$"{spec.Name}.out"]).FullName;
            File.WriteAllText(Path.Combine(source, "notes.md"), $"of {spec.Name}");
            File.WriteAllText(Path.Combine(source, "licence.TXT"), "free");
            File.WriteAllText(Path.Combine(source, "optimizer.pt"), "no companion");
            using var model = Model.Open(source);
            using (FolderWriter writer = Writer(target, model))
            {
                foreach (TensorInfo tensor in model.Checkpoint.Tensors.Reverse())
                    writer.Copy(model.Checkpoint, tensor);
                writer.Complete();
                Assert.Equal(writer.Bytes, new FileInfo(Path.Combine(target, "model.safetensors")).Length + spec.Config().Length);
            }
            using var copy = Model.Open(target);
            Assert.Equal(model.Configuration.Identity, copy.Configuration.Identity);
            Assert.Equal(spec.Tensors(1).Keys.Order(StringComparer.Ordinal), Names(copy));
            foreach ((string name, TinyTensor tensor) in spec.Tensors(1))
            {
                Assert.Equal(tensor.Shape.Select(size => (long)size), copy.Checkpoint[name].Shape);
                Assert.Equal(tensor.Values, MemoryMarshal.Cast<byte, float>(copy.Checkpoint.Bytes(copy.Checkpoint[name])).ToArray());
            }
            Assert.Equal(["licence.TXT", "notes.md"], copy.Companions.Select(companion => companion.Name));
            Assert.Equal($"of {spec.Name}", File.ReadAllText(Path.Combine(target, "notes.md")));
        }
    }

    [Fact]
    public void ALargeTensorIsWrittenInPiecesThatAreTold()
    {
        const int Count = ModelWriter.PieceBytes / 4 * 2 + 100;
        float[] values = TinyModel.Gaussian(Count, 1);
        using var model = Model.Open(TinyModel.Write(_work["in"], ("large", [Count], values)));
        string target = Directory.CreateDirectory(_work["out"]).FullName;
        using FolderWriter writer = Writer(target, model);
        var told = new List<double>();
        writer.Copy(model.Checkpoint, model.Checkpoint["large"], told.Add);
        Assert.Equal(3, told.Count);
        Assert.Equal(ModelWriter.PieceBytes / (4.0 * Count), told[0]);
        Assert.Equal(1, told[2]);
        using var stop = new CancellationTokenSource();
        int pieces = 0;
        Assert.Throws<OperationCanceledException>(() => writer.Copy(model.Checkpoint, model.Checkpoint["large"], part =>
        {
            pieces++;
            stop.Cancel();
        }, stop.Token));
        Assert.Equal(1, pieces);
        writer.Complete();
        using Checkpoint copy = Checkpoint.Open(target);
        Assert.Equal(values, MemoryMarshal.Cast<byte, float>(copy.Bytes(copy["large"])).ToArray());
    }

    [Fact]
    public void RowsOfAGgufFileAreAskedForAsTheFolderHasThem()
    {
        using var model = Model.Open(SharedData.Quill);
        GgufPlan plan = Plan(model);
        using (var writer = new GgufModelWriter(plan, _work["rows.gguf"]))
        {
            foreach (TensorInfo tensor in model.Checkpoint.Tensors)
            {
                // A vector has rows of one element.
                int columns = tensor.Shape.Count == 1 ? 1 : (int)tensor.Shape[1];
                var told = new List<double>();
                writer.WriteRows(tensor.Name, (row, bytes) =>
                    model.Checkpoint.Read(tensor, row * columns, MemoryMarshal.Cast<byte, float>(bytes)), told.Add);
                Assert.Equal(1, told[^1]);
                Assert.Equal(told.Order(), told);
            }
            writer.Flush();
            writer.Complete();
        }
        using var file = Model.Open(_work["rows.gguf"]);
        Assert.Equal(Names(model), Names(file));
        foreach (TensorInfo tensor in model.Checkpoint.Tensors)
            Assert.True(Values(model.Checkpoint, tensor.Name).SequenceEqual(Values(file.Checkpoint, tensor.Name)), tensor.Name);
    }

    [Fact]
    public void AFileThatIsNotCompletedIsNotThere()
    {
        using var model = Model.Open(SharedData.Quill);
        File.WriteAllText(_work["x.gguf"], "old");
        using (var writer = new GgufModelWriter(Plan(model), _work["x.gguf"]))
        {
            Assert.True(File.Exists(_work["x.gguf.partial"]));
            TensorInfo norm = model.Checkpoint["model.norm.weight"];
            Assert.Throws<OperationCanceledException>(() =>
                writer.Copy(model.Checkpoint, norm, cancellation: new CancellationToken(canceled: true)));
        }
        Assert.Equal("old", File.ReadAllText(_work["x.gguf"]));
        Assert.Equal(["x.gguf"], _work.Names);
        Refusal.Of<DirectoryNotFoundException>("missing", () => new GgufModelWriter(Plan(model), _work["missing/x.gguf"]));
        Refusal.Of<DirectoryNotFoundException>("missing", () => Writer(_work["missing"], model));
    }

    [Fact]
    public void ACompanionIsWrittenOverAFileOfItsName()
    {
        string source = TinyModel.Write(_work["in"], TinySpecs.Llama), target = Directory.CreateDirectory(_work["out"]).FullName;
        File.WriteAllText(Path.Combine(source, "generation_config.json"), "{}");
        File.WriteAllText(Path.Combine(target, "generation_config.json"), "old");
        using var model = Model.Open(source);
        Assert.Single(model.Companions).CopyTo(target);
        Assert.Equal("{}", File.ReadAllText(Path.Combine(target, "generation_config.json")));
        Refusal.Of<DirectoryNotFoundException>("missing", () => model.Companions[0].CopyTo(_work["missing"]));
    }

    private static GgufPlan Plan(Model model)
    {
        Assert.True(GgufMix.TryGet("F32", out GgufMix? mix));
        return GgufPlan.Of(model, mix.FileType, tensor => GgufPlan.TypesOf(model, mix)[tensor.Name]);
    }

    private static FolderWriter Writer(string folder, Model model) => new(folder, [.. model.Checkpoint.Tensors],
        new FolderContent(Encoding.UTF8.GetBytes(model.Config.GetRawText()), model.Companions, new Dictionary<string, PackedLayout>()));

    private static IEnumerable<string> Names(Model model) =>
        model.Checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal);

    private static float[] Values(Checkpoint checkpoint, string name)
    {
        var values = new float[checkpoint[name].Count];
        checkpoint.Read(checkpoint[name], 0, values);
        return values;
    }
}
