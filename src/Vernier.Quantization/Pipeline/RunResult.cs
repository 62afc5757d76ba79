using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What a run writes, a folder or a GGUF file, while it lies in the folder of the unfinished run.</summary>
/// <param name="plan">What becomes of the model.</param>
/// <param name="gguf">The types of a GGUF file; null for a folder.</param>
/// <param name="folder">Where it lies.</param>
internal sealed class RunResult(QuantizationPlan plan, GgufTypes? gguf, string folder)
{
    private string Path => gguf is null ? folder : System.IO.Path.Combine(folder, OutputFolder.FileName);

    // Until it is complete a GGUF file has another name.
    private string Unfinished => gguf is null ? folder : Path + ".partial";

    /// <summary>Opens the writer, on what an earlier run has left where it belongs to the same plan.</summary>
    /// <exception cref="InvalidFileException">A matrix is planned in other blocks than the GGUF file is to have.</exception>
    /// <exception cref="IOException">The disk has no room.</exception>
    public ModelWriter Open()
    {
        (string Name, PackedLayout Layout)[] packed = [.. plan.Tensors.Where(planned => planned.Layout is not null)
            .Select(planned => (planned.Tensor.Name, planned.Layout!))];
        if (gguf is null)
        {
            var content = new FolderContent(plan.Config, plan.Model.Companions,
                packed.ToDictionary(matrix => matrix.Name, matrix => matrix.Layout, StringComparer.Ordinal));
            return new FolderWriter(folder, [.. plan.Tensors.Select(planned => planned.Tensor)], content);
        }
        // A run that was killed between completing the file and giving it its name.
        if (File.Exists(Path) && !File.Exists(Unfinished))
            File.Move(Path, Unfinished);
        return gguf.Open(plan.Model, Path, packed, plan.Workers);
    }

    /// <summary>Copies the tensors that are not packed.</summary>
    public void CopyOthers(ModelWriter writer, TensorWalk walk)
    {
        Func<TensorInfo, bool> holds = gguf?.Holds(plan.Model) ?? (_ => true);
        walk.ForEach("writing", planned =>
        {
            if (planned.Layout is null && holds(planned.Tensor))
            {
                TensorOrder? order = plan.Order.Of(planned.Tensor.Name);
                writer.Write(planned.Tensor.Name, (first, bytes) =>
                    TensorBytes.Read(plan.Checkpoint, planned.Tensor, order, first, bytes), cancellation: walk.Cancellation);
            }
        });
        writer.Flush();
    }

    /// <summary>Reads everything back from the disk, before it is complete, and measures it.</summary>
    /// <param name="journal">What was solved.</param>
    /// <param name="walk">The tensors.</param>
    /// <returns>A report for each packed matrix.</returns>
    /// <exception cref="InvalidFileException">Something does not read back as it was solved or copied.</exception>
    public List<QuantizedTensorReport> ReadBack(Journal journal, TensorWalk walk)
    {
        using Model? file = gguf is null ? null : Model.Open(Unfinished);
        using Checkpoint written = file?.Checkpoint ?? Checkpoint.Open(folder);
        var reports = new List<QuantizedTensorReport>();
        walk.ForEach("reading back", planned =>
        {
            if (planned.Layout is null)
            {
                CheckCopy(planned.Tensor, written, file);
                return;
            }
            string name = planned.Tensor.Name;
            PackedMatrix packed = journal.Read(planned);
            if (!journal.IsAsSolved(name, packed))
                throw Differs("the packed tensor does not read back as it was solved", name);
            WeightError error = NearestSolver.Measure(plan.Matrix(planned), packed);
            if (!double.IsFinite(error.SquaredError))
                throw WeightCheck.Beyond(plan, planned);
            reports.Add(new QuantizedTensorReport(name, planned.Layout, packed.Exponents, error, journal.ReportOf(name)));
        });
        return reports;
    }

    private void CheckCopy(TensorInfo tensor, Checkpoint written, Model? file)
    {
        bool found = written.TryGet(tensor.Name, out TensorInfo? copy);
        // What a GGUF file leaves out, or has in another type than the source, can't be compared.
        if (file is not null && (!found || copy!.Type != tensor.Type || file.Stored(copy).Type != tensor.Type.ToString()))
            return;
        if (!found || !TensorBytes.AreSame(plan.Checkpoint, tensor, written, copy!, plan.Order.Of(tensor.Name)))
            throw Differs("the copied tensor does not read back as it was", tensor.Name);
    }

    private InvalidFileException Differs(string problem, string tensor) =>
        new(folder, "read-back", problem, "Check the disk and run again", tensor);
}
