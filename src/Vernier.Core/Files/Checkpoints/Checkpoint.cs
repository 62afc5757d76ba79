using System.Diagnostics.CodeAnalysis;
using Vernier.Errors;
using Vernier.Files.Safetensors;

namespace Vernier.Files.Checkpoints;

/// <summary>
/// The tensors of a model folder, mapped into memory: one <c>model.safetensors</c>, or the shards that
/// <c>model.safetensors.index.json</c> lists. Where both are present, the single file is the checkpoint. A tensor in a
/// shard that the index doesn't mention belongs to the checkpoint, as it does in Transformers, which loads whole shards.
/// Matrices in 8 bits with scales beside them (<c>weight_scale_inv</c>, <c>weight_scale</c>) are read as the products.
/// Any number of threads may read at the same time.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The name of the only file of a checkpoint that is not sharded.</summary>
    internal const string SingleFileName = "model.safetensors";

    private readonly List<ITensorFile> _files = [];
    private readonly Dictionary<string, ITensorFile> _fileOf = new(StringComparer.Ordinal);

    private Checkpoint(string folder) => Folder = folder;

    /// <summary>The folder; the file, where the model is a single file of another format.</summary>
    public string Folder { get; }

    /// <summary>The files that hold the tensors, in order.</summary>
    public IReadOnlyList<ITensorFile> Files => _files;

    /// <summary>What the user should know of the folder, a line each: an index that is passed over. None as a rule.</summary>
    internal IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>All tensors: shards in the order of their names, in each the order of the data.</summary>
    public IEnumerable<TensorInfo> Tensors => _files.SelectMany(file => file.Tensors);

    /// <summary>A tensor by name.</summary>
    /// <exception cref="InvalidFileException">There is no such tensor (<see cref="SafetensorsRules.TensorMissing"/>).</exception>
    public TensorInfo this[string name] => FileWith(name)[name];

    /// <summary>Opens the folder.</summary>
    /// <exception cref="InvalidFileException">There is no checkpoint, or it breaks a rule of the format.</exception>
    public static Checkpoint Open(string folder)
    {
        var checkpoint = new Checkpoint(folder);
        try
        {
            if (File.Exists(Path.Combine(folder, SingleFileName)))
                checkpoint.AddSingle();
            else if (File.Exists(Path.Combine(folder, CheckpointIndex.FileName)))
                checkpoint.AddShards();
            else
                throw new InvalidFileException(folder, CheckpointRules.NoCheckpoint,
                    $"there is no {SingleFileName} and no {CheckpointIndex.FileName}",
                    "Give the folder of a Hugging Face model in safetensors format");
            checkpoint.Scale();
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Makes a checkpoint of one file in another format.</summary>
    /// <param name="file">The file, which the checkpoint disposes.</param>
    /// <param name="model">What the user names the model by: <see cref="Folder"/>.</param>
    public static Checkpoint Of(ITensorFile file, string model)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Of([file], model);
    }

    /// <summary>Makes a checkpoint of files in another format.</summary>
    /// <param name="files">The files, which the checkpoint disposes.</param>
    /// <param name="model">What the user names the model by: <see cref="Folder"/>.</param>
    /// <exception cref="InvalidFileException">A tensor is in two of them.</exception>
    internal static Checkpoint Of(IReadOnlyList<ITensorFile> files, string model)
    {
        var checkpoint = new Checkpoint(model);
        foreach (ITensorFile file in files)
            checkpoint.Add(file);
        return checkpoint;
    }

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _fileOf.TryGetValue(name, out ITensorFile? file) ? file[name] : null;
        return tensor is not null;
    }

    /// <summary>The type and the bytes that a tensor has in its file, its scales included.</summary>
    internal (ElementType Type, long Bytes) Stored(TensorInfo tensor) =>
        FileWith(tensor.Name) is IStoredFile stored ? stored.Stored(tensor) : (tensor.Type, tensor.Bytes);

    /// <summary>Shows each file as another.</summary>
    /// <param name="wrap">Gives the other, which disposes of the file.</param>
    internal void Wrap(Func<ITensorFile, ITensorFile> wrap)
    {
        ITensorFile[] stored = [.. _files];
        _files.Clear();
        _fileOf.Clear();
        foreach (ITensorFile file in stored)
            Add(wrap(file));
    }

    /// <summary>Shows views in the place of the tensors that they are of; those of tensors that are not there are passed over.</summary>
    /// <exception cref="InvalidFileException">A view reaches beyond its source, or its name is that of another tensor.</exception>
    internal void Show(IReadOnlyList<TensorView> views)
    {
        ILookup<ITensorFile, TensorView> viewsOf = views.Where(view => _fileOf.ContainsKey(view.Source))
            .ToLookup(view => _fileOf[view.Source]);
        if (viewsOf.Count == 0)
            return;
        Wrap(file => viewsOf.Contains(file) ? new ViewedFile(file, [.. viewsOf[file]]) : file);
    }

    /// <summary>The path of the file that holds the tensor, for messages.</summary>
    public string FileOf(TensorInfo tensor) => FileWith(tensor.Name).Path;

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the checkpoint is disposed. They can be unaligned.</summary>
    /// <exception cref="InvalidOperationException">The tensor is larger; use <see cref="ReadBytes"/>.</exception>
    public ReadOnlySpan<byte> Bytes(TensorInfo tensor) => FileWith(tensor.Name).Bytes(tensor.Name);

    /// <summary>Copies raw bytes of a tensor of any size.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="firstByte">Where to begin, in bytes from the beginning of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    public void ReadBytes(TensorInfo tensor, long firstByte, Span<byte> destination) =>
        FileWith(tensor.Name).ReadBytes(tensor.Name, firstByte, destination);

    /// <summary>As <see cref="ReadBytes"/>, without making pages of the file part of the process's memory; see
    /// <see cref="SafetensorsFile.ReadOnce"/>.</summary>
    public void ReadOnce(TensorInfo tensor, long firstByte, Span<byte> destination) =>
        FileWith(tensor.Name).ReadOnce(tensor.Name, firstByte, destination);

    /// <summary>Reads elements of any real type of whole bytes, converted to single precision as by
    /// <see cref="SafetensorsFile.Read"/>.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="first">The index of the first element, in row-major order.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    /// <exception cref="InvalidFileException">The elements are no real numbers of whole bytes.</exception>
    public void Read(TensorInfo tensor, long first, Span<float> destination) =>
        FileWith(tensor.Name).Read(tensor.Name, first, destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ITensorFile file in _files)
            file.Dispose();
    }

    // As in Transformers, which asks for the single file first. The index may have been left by an earlier version of the model, or the
    // file have strayed in.
    private void AddSingle()
    {
        Add(SingleFileName);
        string index = Path.Combine(Folder, CheckpointIndex.FileName);
        if (File.Exists(index) && !CheckpointIndex.NamesOnly(Folder, SingleFileName))
            Notes = [$"{Folder} has a {SingleFileName} and a {CheckpointIndex.FileName} of other files: the single file is read, as by "
                + "Transformers, and those files are passed over"];
    }

    private void AddShards()
    {
        string index = Path.Combine(Folder, CheckpointIndex.FileName);
        Dictionary<string, string> shardOf = CheckpointIndex.Read(Folder);
        string[] names = [.. shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            missing = [.. names.Where(name => !InputFile.Exists(Path.Combine(Folder, name)))];
        if (missing.Length > 0)
            throw CheckpointIndex.Missing(index, names.Length, missing);
        foreach (string name in names)
            Add(name);
        foreach ((string tensor, string shard) in shardOf)
        {
            string? actual = _fileOf.TryGetValue(tensor, out ITensorFile? file) ? Path.GetFileName(file.Path) : null;
            if (!string.Equals(actual, shard, StringComparison.Ordinal))
                throw new InvalidFileException(index, CheckpointRules.IndexTensorMissing,
                    $"the index says that it is in '{shard}', but it is {(actual is null ? "in no file" : $"in '{actual}'")}",
                    "Download the index and the files again, all of the same version", tensor);
        }
    }

    /// <summary>Shows matrices in 8 bits with scales, which may stand in another file, as the products.</summary>
    /// <exception cref="InvalidFileException">Scales do not fit their matrix, or are not finite.</exception>
    internal void Scale()
    {
        Dictionary<string, BlockScales> scales = BlockScales.Find(this);
        if (scales.Count > 0)
            Wrap(file => new ScaledFile(file, scales));
    }

    private void Add(string name) => Add(SafetensorsFile.Open(Path.Combine(Folder, name)));

    private void Add(ITensorFile file)
    {
        _files.Add(file);
        foreach (TensorInfo tensor in file.Tensors)
        {
            if (!_fileOf.TryAdd(tensor.Name, file))
                throw new InvalidFileException(file.Path, CheckpointRules.TensorInTwoFiles,
                    $"it is also in {Path.GetFileName(_fileOf[tensor.Name].Path)}",
                    "Remove shards that belong to another version of the model", tensor.Name);
        }
    }

    private ITensorFile FileWith(string tensor) => _fileOf.TryGetValue(tensor, out ITensorFile? file) ? file
        : throw new InvalidFileException(Folder, SafetensorsRules.TensorMissing, "the checkpoint has no such tensor",
            "Check that the checkpoint and its config.json belong together", tensor);
}
